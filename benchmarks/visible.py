"""How long after it was published is an event in its user's online row, while others stream by?"""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
from redis import Redis

from benchmarks.load import interactions, publish, wait_for
from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo.features import user_activity
from feature_repo.online import OnlineRows
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.events import Interaction
from streaming.lag import offsets
from streaming.producer import EventProducer

PER_S = 500  # events a second that stream by
PROBES = 200


def measure() -> dict[str, float]:
    """Milliseconds from just before an event is published until its row can be read, and bytes of Redis per user."""
    with tempfile.TemporaryDirectory() as folder:
        environment = free_environment(Path(folder))
        with running(environment, ["broker", "online-store"]) as system:
            publish(environment["FRESHRANK_BROKER"], 20_000)
            system.launch("worker")
            with offsets(environment["FRESHRANK_BROKER"]) as group:
                wait_for(lambda: group.lag() == 0, "the worker")
            stores = StoreSettings(data_dir=Path(folder), redis=environment["FRESHRANK_REDIS"])
            users = OnlineRows(open_store(stores), user_activity)
            seconds = _seconds(environment["FRESHRANK_BROKER"], users)
            size = bytes_per_user(environment["FRESHRANK_REDIS"])
    p50, p99 = np.percentile(np.asarray(seconds) * 1000, [50, 99])
    return {"visible_p50_ms": float(p50), "visible_p99_ms": float(p99), "redis_bytes_per_user": size}


def _seconds(broker: str, users: OnlineRows) -> list[float]:
    done = threading.Event()
    background = threading.Thread(target=_stream_by, args=(broker, done))
    background.start()
    try:
        with EventProducer(broker) as producer:
            return [_until_visible(producer, users, f"probe-{number}") for number in range(PROBES)]
    finally:
        done.set()
        background.join()


def _stream_by(broker: str, done: threading.Event) -> None:
    """Publish PER_S events a second, ten at a time, at fixed moments."""
    with EventProducer(broker) as producer:
        begin = time.perf_counter()
        for number, event in enumerate(interactions(PER_S * 600, seed=3)):
            if number % 10 == 0:
                time.sleep(max(0.0, begin + number / PER_S - time.perf_counter()))
            if done.is_set():
                return
            producer.send(event)


def _until_visible(producer: EventProducer, users: OnlineRows, user_id: str) -> float:
    time.sleep(0.02)
    begin = time.perf_counter()
    producer.send(Interaction(user_id=user_id, item_id="i1", action="click"))
    while not users.read([user_id], ["user_activity_at"]):
        time.sleep(0.001)
    return time.perf_counter() - begin


def bytes_per_user(redis: str) -> float:
    """Mean size of a user's key, all its views and Redis' own overhead included."""
    host, _, port = redis.partition(":")
    client: Any = Redis(host=host, port=int(port))
    keys = [key for key in client.scan_iter(count=1000) if b"user_id" in key and b"probe-" not in key]
    return float(np.mean([client.memory_usage(key) for key in keys]))
