"""The API among its real neighbours: broker, online store and Triton come and go, the API stays."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feast import FeatureStore, FeatureView

from benchmarks.rank_system import lay_out, seed_store, stores, vectors
from benchmarks.tiny_model import write_bundle
from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from deploy.laptop.triton import refresh
from feature_repo.features import item_activity, item_content, user_activity
from feature_repo.online import OnlineRows
from feature_repo.store import open_store
from tests.serving.live import (
    ITEMS,
    NEIGHBOURS,
    Api,
    announce,
    entry,
    eventually,
    eventually_ready,
    running_api,
    topics,
    without,
)

pytestmark = pytest.mark.process
CLICK = {"user_id": "user-0", "item_id": "item-1", "action": "click"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("api")) as started:
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


def test_what_an_item_of_the_history_adds_is_what_triton_says_without_it(api: Api) -> None:
    user = OnlineRows(open_store(stores(api.system.environment)), user_activity).read(["user-0"])["user-0"].values
    by_id = dict(zip(api.item_ids, vectors(ITEMS, 0).astype(np.float32), strict=True))
    answer = api.ask("/v1/rank", {"user_id": "user-0", "items": ["item-7"], "explain": True})[1]
    told = answer["items"][0]["explanation"]["history"]
    for influence in told:
        times = list(user["history_item_ids"]).count(influence["item_id"])
        expected = times * by_id["item-7"] @ by_id[influence["item_id"]]
        assert influence["adds"] == pytest.approx(expected, abs=1e-4)
    assert len(told) == 7 and answer["degraded"] == []


def test_a_stranger_is_ranked_by_the_items_alone(api: Api) -> None:
    store = open_store(stores(api.system.environment))
    answer = api.rank("item-7", user_id="nobody")[1]
    assert answer["items"][0]["score"] == pytest.approx(_row(store, item_activity, "item-7")["item_ctr_7d"], abs=1e-5)


def test_a_session_is_ranked_by_what_it_did_and_then_its_user_is(api: Api) -> None:
    def score(**who: str) -> float:
        answer: float = api.ask("/v1/rank", who | {"items": ["item-7"]})[1]["items"][0]["score"]
        return answer

    stranger = score(user_id="nobody")
    api.system.start("worker")
    try:
        api.ask("/v1/events", CLICK | {"user_id": None, "session_id": "s"})
        eventually(lambda: score(session_id="s") != stranger)
        known = score(session_id="s")
        assert api.ask("/v1/users/new/merge", {"session_id": "s"})[1]["accepted"] == 1
        eventually(lambda: score(user_id="new") == known and score(session_id="s") == stranger)
    finally:
        api.system.kill("worker")


def _row(store: FeatureStore, view: FeatureView, item_id: str) -> Mapping[str, Any]:
    return OnlineRows(store, view).read([item_id])[item_id].values


def test_ten_thousand_items_are_answered(api: Api) -> None:
    status, answer = api.rank(*(f"item-{number}" for number in range(10_000)))
    assert (status, len(answer["items"])) == (200, 10_000)


def test_triton_goes_and_comes_back(api: Api) -> None:
    with without(api, "triton"):
        status, answer = api.rank()
        assert (status, answer["degraded"]) == (200, ["triton: light score"])
        assert "triton" in api.unready()
    eventually(lambda: api.rank()[1]["degraded"] == [])


def test_the_online_store_goes_and_comes_back(api: Api) -> None:
    before = api.scores()
    with without(api, "online-store"):
        status, answer = api.rank()
        assert (status, answer["degraded"]) == (200, ["online_store: last known features"])
        assert api.rank(user_id="user-1")[1]["degraded"] == ["online_store: no features"]
        assert "online_store" in api.unready()
    eventually(lambda: api.rank()[1]["degraded"] == [])
    assert api.scores() == pytest.approx(before, rel=1e-3)


def test_the_broker_goes_and_comes_back(api: Api) -> None:
    assert api.ask("/v1/events", CLICK)[1]["accepted"] == 1
    with without(api, "broker"):
        status, answer = api.ask("/v1/events", CLICK)
        assert (status, answer["error"]["code"]) == (503, "broker_unavailable")
        assert "broker" in api.unready()
        assert api.rank()[0] == 200
    eventually(lambda: api.ask("/v1/events", CLICK)[0] == 200)
    announce(api, entry("item-2", "Back", item_available=False))
    eventually(lambda: api.rank("item-2")[1]["unavailable_items"] == ["item-2"])


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
        status, answer = alone.rank("item-0")
        assert (status, answer["model_version"], answer["unknown_items"]) == (200, "none", ["item-0"])
        alone.item_ids = lay_out(environment, ITEMS)
        for process in NEIGHBOURS:
            system.start(process)
        topics(environment)
        seed_store(environment, 1, alone.item_ids, time.time_ns() // 1_000_000)
        eventually_ready(alone)
        assert alone.rank()[0] == 200
