"""The API among its real neighbours: broker, online store and Triton come and go, the API stays."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feast import FeatureStore, FeatureView
from kafka import KafkaProducer

from benchmarks.http_client import HttpClient
from benchmarks.rank_system import lay_out, seed_store, stores, vectors
from benchmarks.tiny_model import write_bundle
from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from deploy.laptop.triton import refresh
from feature_repo.features import item_activity, item_content, user_activity
from feature_repo.online import OnlineRows, Row
from feature_repo.store import open_store
from streaming.broker import create_topics
from streaming.events import ItemChange, encode
from streaming.settings import StreamSettings

pytestmark = pytest.mark.process
ITEMS = 40
NEIGHBOURS = ("broker", "online-store", "triton")
CLICK = {"user_id": "user-0", "item_id": "item-1", "action": "click"}


class Api:
    """A running API and what surrounds it."""

    def __init__(self, system: System, item_ids: list[str]) -> None:
        self.system, self.item_ids = system, item_ids

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON."""
        settings = self.system.settings
        client = HttpClient(settings.api_host, settings.api_port)
        try:
            status, answer = client.get(path) if body is None else client.post(path, json.dumps(body).encode())
        finally:
            client.close()
        return status, json.loads(answer)

    def rank(self, *items: str, user_id: str = "user-0") -> tuple[int, Any]:
        return self.ask("/v1/rank", {"user_id": user_id, "items": list(items or self.item_ids)})

    def scores(self, *items: str) -> dict[str, float | None]:
        return {place["item_id"]: place["score"] for place in self.rank(*items)[1]["items"]}

    def unready(self) -> dict[str, str]:
        problems: dict[str, str] = self.ask("/health/ready")[1].get("not_ready", {})
        return problems


def eventually(happened: Callable[[], Any], timeout: float = 30) -> None:
    """Return once it is so; fails when it is not in time."""
    deadline = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def eventually_ready(api: "Api") -> None:
    last: dict[str, str] = {}

    def ready() -> bool:
        last.clear()
        last.update(api.unready())
        return not last

    try:
        eventually(ready)
    except AssertionError as error:
        raise AssertionError(f"still not ready: {last}") from error


def topics(environment: dict[str, str]) -> None:
    create_topics(StreamSettings(broker=environment["FRESHRANK_BROKER"]))


@contextmanager
def without(api: Api, process: str) -> Iterator[None]:
    """The process is killed for the length of the block, and started again after it."""
    api.system.kill(process)
    try:
        yield
    finally:
        api.system.start(process)
        if process == "broker":
            topics(api.system.environment)


def announce(api: Api, item_id: str, stamp: int, **row: Any) -> None:
    """What the worker does with a catalogue entry: the row into the store, then to the caches."""
    complete = {"item_text": "", "item_attributes": [], "item_published_at": 0, "item_available": True} | row
    online = OnlineRows(open_store(stores(api.system.environment)), item_content)
    online.write([Row(item_id, stamp, complete)])
    producer = KafkaProducer(bootstrap_servers=api.system.settings.broker)
    producer.send(
        "item-changes", key=b"item_content/x", value=encode(ItemChange(item_id, "item_content", stamp, complete))
    )
    producer.close()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    environment = free_environment(tmp_path_factory.mktemp("api")) | {"FRESHRANK_BROKER_TIMEOUT_MS": "3000"}
    item_ids = lay_out(environment, ITEMS)
    with running(environment, NEIGHBOURS) as system:
        topics(environment)
        seed_store(environment, 3, item_ids, time.time_ns() // 1_000_000)
        system.start("api")
        started = Api(system, item_ids)
        eventually_ready(started)
        yield started


def test_a_score_is_what_the_stored_rows_make_it(api: Api) -> None:
    """score = vector . sum of history vectors + share of attention for the item's categories + click rate"""
    store = open_store(stores(api.system.environment))
    user = OnlineRows(store, user_activity).read(["user-0"])["user-0"].values
    item = {**_row(store, item_content, "item-7"), **_row(store, item_activity, "item-7")}
    by_id = dict(zip(api.item_ids, vectors(ITEMS, 0).astype(np.float32), strict=True))
    history = sum(by_id[each] for each in user["history_item_ids"])
    weights = dict(zip(user["user_categories"], user["user_category_weights"], strict=True))
    attention = sum(weights.get(category, 0.0) for category in item["item_categories"]) / sum(weights.values())
    expected = by_id["item-7"] @ history + attention + item["item_ctr_7d"]
    assert api.scores("item-7")["item-7"] == pytest.approx(expected, abs=1e-5)


def test_a_stranger_is_ranked_by_the_items_alone(api: Api) -> None:
    store = open_store(stores(api.system.environment))
    answer = api.rank("item-7", user_id="nobody")[1]
    assert answer["items"][0]["score"] == pytest.approx(_row(store, item_activity, "item-7")["item_ctr_7d"], abs=1e-5)


def _row(store: FeatureStore, view: FeatureView, item_id: str) -> Mapping[str, Any]:
    return OnlineRows(store, view).read([item_id])[item_id].values


def test_ten_thousand_items_are_answered(api: Api) -> None:
    status, answer = api.rank(*(f"item-{number}" for number in range(10_000)))
    assert (status, len(answer["items"])) == (200, 10_000)


def test_triton_goes_and_comes_back(api: Api) -> None:
    with without(api, "triton"):
        status, answer = api.rank()
        assert (status, answer["error"]["code"]) == (503, "triton_unavailable")
        assert "triton" in api.unready()
    eventually(lambda: api.rank()[0] == 200)


def test_the_online_store_goes_and_comes_back(api: Api) -> None:
    before = api.scores()
    with without(api, "online-store"):
        status, answer = api.rank()
        assert (status, answer["error"]["code"]) == (503, "online_store_unavailable")
        assert "online_store" in api.unready()
    eventually(lambda: api.rank()[0] == 200)
    assert api.scores().keys() == before.keys()


def test_the_broker_goes_and_comes_back(api: Api) -> None:
    assert api.ask("/v1/events", CLICK) == (200, {"accepted": 1, "rejected": []})
    with without(api, "broker"):
        status, answer = api.ask("/v1/events", CLICK)
        assert (status, answer["error"]["code"]) == (503, "broker_unavailable")
        assert "broker" in api.unready()
        assert api.rank()[0] == 200
    eventually(lambda: api.ask("/v1/events", CLICK)[0] == 200)
    announce(api, "item-2", time.time_ns() // 1000, item_title="Back", item_categories=[], item_available=False)
    eventually(lambda: api.rank("item-2")[1]["unavailable_items"] == ["item-2"])


def test_a_new_item_is_rankable_within_seconds(api: Api) -> None:
    assert api.rank("brand-new")[1]["unknown_items"] == ["brand-new"]
    announce(api, "brand-new", time.time_ns() // 1000, item_title="Brand new", item_categories=["War"])
    eventually(lambda: api.scores("brand-new")["brand-new"] is not None)


def test_an_item_that_is_hidden_is_left_out(api: Api) -> None:
    announce(api, "item-5", time.time_ns() // 1000, item_title="Gone", item_categories=[], item_available=False)
    eventually(lambda: api.rank("item-5", "item-6")[1]["unavailable_items"] == ["item-5"])


def test_a_promoted_model_takes_over_without_a_single_failure(api: Api) -> None:
    settings = api.system.settings
    bundles = Path(api.system.environment["FRESHRANK_BUNDLES"])
    write_bundle(bundles, settings.model_repository, api.item_ids, np.zeros_like(vectors(ITEMS, 0)), version=2)
    assert api.rank()[1]["model_version"] == "tiny-1"
    refresh(settings)
    answers = []

    def taken_over() -> bool:
        answers.append(api.rank())
        return bool(answers[-1][1]["model_version"] == "tiny-2")

    eventually(taken_over)
    assert {status for status, _ in answers} == {200}


def test_an_api_that_starts_alone_answers_and_recovers(tmp_path: Path) -> None:
    environment = free_environment(tmp_path)
    with running(environment, ["api"]) as system:
        alone = Api(system, [])
        assert alone.ask("/health/live")[0] == 200
        assert set(alone.unready()) == {"broker", "item_changes", "online_store", "triton", "model", "item_table"}
        assert alone.rank("item-0")[1]["error"]["code"] == "no_model"
        alone.item_ids = lay_out(environment, ITEMS)
        for process in NEIGHBOURS:
            system.start(process)
        topics(environment)
        seed_store(environment, 1, alone.item_ids, time.time_ns() // 1_000_000)
        eventually_ready(alone)
        assert alone.rank()[0] == 200
