"""A running system -> what it does: rankings before and after clicks, freshness, latency."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pandas as pd

from deploy.laptop.settings import LaptopSettings
from streaming.events import Interaction
from streaming.producer import EventProducer

SEEN_S = 30.0  # a click that no ranking knows after so long counts as lost
VISIBLE = 1e-3  # a score moved by more than this has seen the click; the passing of time moves it by less


class NeverSeen(RuntimeError):
    """A click that did not reach the ranking."""


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p99: float
    count: int

    @staticmethod
    def of(seconds: Sequence[float]) -> "Percentiles":
        p50, p99 = np.percentile(np.asarray(seconds) * 1000, [50, 99])
        return Percentiles(float(p50), float(p99), len(seconds))


class Probe:
    """An online app's view of the system: one HTTP connection, one event producer."""

    def __init__(self, settings: LaptopSettings, producer: EventProducer) -> None:
        self._http = httpx.Client(base_url=f"http://{settings.api_host}:{settings.api_port}", timeout=30)
        self._producer = producer

    def rank(self, user_id: str, items: Sequence[str], k: int | None = None) -> list[dict[str, Any]]:
        """The ranking of these items, best first."""
        body = {"user_id": user_id, "items": list(items)} | ({"k": k} if k else {})
        answer = self._http.post("/v1/rank", json=body)
        answer.raise_for_status()
        ranked: list[dict[str, Any]] = answer.json()["items"]
        return ranked

    def click(self, user_id: str, item_id: str) -> None:
        """Publish a click that happens now; returns when the broker has it."""
        self._producer.send(Interaction(user_id=user_id, item_id=item_id, action="click"))
        self._producer.flush()

    def ready(self, timeout_s: float = 60) -> None:
        """Return once the API says that everything it needs is there."""
        wait_until(lambda: self._http.get("/health/ready").status_code == 200, timeout_s, "the API to be ready")

    def close(self) -> None:
        self._http.close()


def freshness(probe: Probe, items: Sequence[str], count: int) -> Percentiles:
    """From just before a click is published until a ranking shows it, for ``count`` users nobody has seen before."""
    return Percentiles.of([_click_to_ranking(probe, f"probe-{time.time_ns()}", items) for _ in range(count)])


def _click_to_ranking(probe: Probe, user_id: str, items: Sequence[str]) -> float:
    before = _scores(probe, user_id, items)
    started = time.perf_counter()
    probe.click(user_id, items[0])
    wait_until(lambda: _moved(before, _scores(probe, user_id, items)), SEEN_S, f"the click of {user_id}", pause_s=0)
    return time.perf_counter() - started


def _scores(probe: Probe, user_id: str, items: Sequence[str]) -> dict[str, float]:
    return {entry["item_id"]: entry["score"] for entry in probe.rank(user_id, items)}


def _moved(before: dict[str, float], after: dict[str, float]) -> bool:
    return any(abs(after[item_id] - score) > VISIBLE for item_id, score in before.items())


def latency(probe: Probe, users: Sequence[str], items: Sequence[str], count: int) -> Percentiles:
    """Round trips of ``/v1/rank`` with 100 candidates drawn anew for each."""
    draw, seconds = np.random.default_rng(0), []
    for number in range(count):
        candidates = draw.choice(items, 100, replace=False).tolist()
        started = time.perf_counter()
        probe.rank(users[number % len(users)], candidates)
        seconds.append(time.perf_counter() - started)
    return Percentiles.of(seconds)


def neglected_category(items: pd.DataFrame, ranked: Sequence[str]) -> tuple[str, list[str]]:
    """A large category that the top of a ranking has least of, and its items."""
    exploded = items.explode("categories")
    sizes = exploded["categories"].value_counts()
    shown = exploded[exploded["item_id"].isin(ranked)]["categories"].value_counts()
    candidates = sizes[sizes >= 40].index
    category = min(candidates, key=lambda name: (shown.get(name, 0), -sizes[name]))
    return str(category), exploded[exploded["categories"] == category]["item_id"].tolist()


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str, pause_s: float = 0.1) -> None:
    """Return once the condition holds; raises NeverSeen when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise NeverSeen(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(pause_s)
