"""A running API and its real neighbours."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from benchmarks.http_client import HttpClient
from benchmarks.rank_system import lay_out, seed_store, stores
from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from feature_repo.features import item_content
from feature_repo.inputs import with_defaults
from feature_repo.online import OnlineRows, Row
from feature_repo.store import open_store
from streaming.broker import create_topics
from streaming.events import ItemChange, encode
from streaming.settings import StreamSettings

ITEMS = 40
NEIGHBOURS = ("broker", "online-store", "triton")


class Api:
    """A running API and what surrounds it."""

    def __init__(self, system: System, item_ids: list[str]) -> None:
        self.system, self.item_ids = system, item_ids

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON."""
        status, answer = self._answer(path, body)
        return status, json.loads(answer)

    def text(self, path: str) -> str:
        return self._answer(path, None)[1].decode()

    def _answer(self, path: str, body: Any) -> tuple[int, bytes]:
        settings = self.system.settings
        client = HttpClient(settings.api_host, settings.api_port)
        try:
            return client.get(path) if body is None else client.post(path, json.dumps(body).encode())
        finally:
            client.close()

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


def announce(api: Api, *rows: Row) -> None:
    """What the worker does with catalogue entries: rows into the store, then to the caches."""
    empty = with_defaults("item_content", {})
    complete = [row._replace(values={**empty, **row.values}) for row in rows]
    OnlineRows(open_store(stores(api.system.environment)), item_content).write(complete)
    producer = KafkaProducer(bootstrap_servers=api.system.settings.broker)
    for item_id, stamp, values in complete:
        change = ItemChange(item_id, "item_content", stamp, dict(values))
        producer.send("item-changes", key=f"item_content/{item_id}".encode(), value=encode(change))
    producer.close()


def entry(item_id: str, title: str, **values: Any) -> Row:
    """A catalogue entry of now."""
    return Row(item_id, time.time_ns() // 1000, {"item_title": title, **values})


@contextmanager
def running_api(folder: Path, **variables: str) -> Iterator[Api]:
    """An API that is ready, among its neighbours: ITEMS items and three users."""
    environment = free_environment(folder) | {"FRESHRANK_BROKER_TIMEOUT_MS": "3000"} | variables
    item_ids = lay_out(environment, ITEMS)
    with running(environment, NEIGHBOURS) as system:
        topics(environment)
        seed_store(environment, 3, item_ids, time.time_ns() // 1_000_000)
        system.start("api")
        started = Api(system, item_ids)
        eventually_ready(started)
        yield started
