"""A running broker, Redis and worker, as the tests see them."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, reduce
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from feast import FeatureStore, FeatureView
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis

from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from feature_repo import features, item_activity, user_activity
from feature_repo.online import OnlineRows
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.events import Interaction
from streaming.producer import EventProducer
from streaming.rows import item_from_row, user_from_row

PATIENCE_S = 40.0
T = 1_750_000_000_000


class Live(NamedTuple):
    """The system and its online store."""

    system: System
    store: FeatureStore

    @property
    def broker(self) -> str:
        return self.system.settings.broker

    @property
    def redis(self) -> Any:
        host, port = self.system.settings.redis.split(",")[0].split(":")
        return Redis(host, int(port))

    def online(self, view: FeatureView, *entity_ids: str) -> dict[str, dict[str, Any]]:
        rows = OnlineRows(self.store, view).read(entity_ids)
        return {entity_id: dict(row.values) for entity_id, row in rows.items()}

    def logged(self, table: str) -> list[dict[str, Any]]:
        parts = (self.system.settings.data_dir / "offline" / table).glob("*.parquet")
        return [row for part in sorted(parts) for row in _rows(part, part.stat().st_mtime_ns)]

    def send(self, messages: Sequence[Any]) -> None:
        with EventProducer(self.broker) as producer:
            for message in messages:
                producer.send(message)

    def send_raw(self, topic: str, key: bytes | None, value: bytes | None) -> Any:
        producer = KafkaProducer(bootstrap_servers=self.broker)
        try:
            return producer.send(topic, key=key, value=value).get(timeout=10)
        finally:
            producer.close()

    def records(self, topic: str) -> list[Any]:
        """Everything in a topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.broker, group_id=None, fetch_max_wait_ms=20)
        try:
            places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(places)
            consumer.seek_to_beginning()
            ends, found = consumer.end_offsets(places), []
            while any(consumer.position(place) < end for place, end in ends.items()):
                found += [record for batch in consumer.poll(timeout_ms=200).values() for record in batch]
            return found
        finally:
            consumer.close()

    def eventually(self, check: Callable[[], Any]) -> Any:
        """What the check returns once that is true; fails with the end of the worker's log."""
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := check()):
            assert time.monotonic() < deadline, f"still not so:\n{self.system.tail('worker')}"
            time.sleep(0.1)
        return answer

    def counted(self, events: Sequence[Interaction]) -> bool:
        """Whether users and items count as many events as these."""
        users = {event.key for event in events}
        items = {event.item_id for event in events}
        rows = [row for row in self.logged("user_activity") if row["user_id"] in users]
        item_rows = {
            (r["item_id"], r["event_timestamp"]) for r in self.logged("item_activity") if r["item_id"] in items
        }
        return len({(row["user_id"], row["event_timestamp"]) for row in rows}) == len(events) == len(item_rows)

    def check(self, events: Sequence[Interaction]) -> None:
        """Every user and item stands where a plain loop over the events stands, and every event is logged."""
        users = {event.key for event in events}
        found = self.online(features.user_activity, *users)
        assert found.keys() == users
        for user, row in found.items():
            assert user_from_row(row).activity == user_after([event for event in events if event.key == user])
        self.check_items(events)

    def check_items(self, events: Sequence[Interaction]) -> None:
        """Every item stands where a plain loop over the events stands, and every event is logged."""
        items = {event.item_id for event in events}
        rows = self.online(features.item_activity, *items)
        assert rows.keys() == items
        for item_id, row in rows.items():
            wanted = item_after([event for event in events if event.item_id == item_id])
            activity = item_from_row(row).activity
            assert activity.at == wanted.at
            for mine, theirs in zip(activity.counts, wanted.counts, strict=True):
                assert mine == pytest.approx(theirs, rel=1e-9)
        ids = {event.event_id for event in events}
        assert {row["event_id"] for row in self.logged("interactions")} >= ids


@cache
def _rows(part: Path, written_ns: int) -> list[dict[str, Any]]:
    """The rows of one part: read once, unless it is written anew because somebody is forgotten."""
    return pq.read_table(part).to_pylist()


def interactions(prefix: str, count: int) -> list[Interaction]:
    """Events with ids, users and items of their own."""
    chance = random.Random(prefix)
    return [
        Interaction(
            event_id=f"{prefix}-{number}",
            user_id=f"{prefix}-u{chance.randrange(12)}",
            item_id=f"{prefix}-i{chance.randrange(20)}",
            action=chance.choice(["impression", "view", "click"]),
            timestamp=T + chance.randrange(86_400_000),
        )
        for number in range(count)
    ]


def user_after(events: Sequence[Any]) -> user_activity.UserActivity:
    return reduce(
        lambda state, event: user_activity.advance(state, event.item_id, event.action, event.timestamp),
        events,
        user_activity.UserActivity(),
    )


def item_after(events: Sequence[Any]) -> item_activity.ItemActivity:
    return reduce(
        lambda state, event: item_activity.advance(state, event.action, event.timestamp),
        events,
        item_activity.ItemActivity(),
    )


@contextmanager
def live(data_dir: Path) -> Iterator[Live]:
    """Broker, Redis and worker until the block ends."""
    environment = free_environment(data_dir) | {
        "FRESHRANK_SESSION_TIMEOUT_S": "2",  # the laptop's broker holds a join for half of it
        "FRESHRANK_COMMIT_INTERVAL_S": "0.3",
        "FRESHRANK_WRITE_RETRIES": "2",  # some seven seconds each: the Redis client itself tries again
    }
    with running(environment, ["broker", "online-store", "worker"]) as system:
        yield Live(system, open_store(StoreSettings(redis=system.settings.redis, data_dir=data_dir)))
