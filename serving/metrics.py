"""What this process counts and times, for Prometheus; a registry per app, so that no two share counts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from serving.freshness import Freshness

LATENCY = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
FRESH = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 5, 30, 300)
RANKABLE = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
CANDIDATES = (0, 1, 10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


class Metrics:
    """The registry and what is observed into it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "freshrank_request_seconds",
            "Time to answer, by route and status",
            ["route", "status"],
            buckets=LATENCY,
            registry=self.registry,
        )
        stages = Histogram(
            "freshrank_rank_stage_seconds",
            "Time of the stages of a ranking",
            ["stage"],
            buckets=LATENCY,
            registry=self.registry,
        )
        self.stage = cache(stages.labels)  # looking labels up costs more than observing
        self.degraded = Counter(
            "freshrank_degraded", "Answers that lacked something, by what", ["what"], registry=self.registry
        )
        self.shed = {"rankings": 0, "others": 0}
        self.counter("shed", "Requests turned away because too many were under way", self.shed)
        self.recommended = Counter(
            "freshrank_recommended", "Items recommended, by their source", ["source"], registry=self.registry
        )
        self.candidates = Histogram(
            "freshrank_rank_candidates", "Items asked to be ranked", buckets=CANDIDATES, registry=self.registry
        )
        self.events = Counter(
            "freshrank_events", "Events received, by topic and outcome", ["topic", "outcome"], registry=self.registry
        )
        self.freshness = Freshness(
            Histogram(
                "freshrank_fresh_seconds",
                "Time from a user's newest event to the row a ranking could see it in, once per row",
                buckets=FRESH,
                registry=self.registry,
            )
        )
        self.item_rankable = Histogram(
            "freshrank_item_rankable_seconds",
            "Time from a change of an item's text to its vector in the item table",
            buckets=RANKABLE,
            registry=self.registry,
        )

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that asks for its value when it is read."""
        Gauge(f"freshrank_{name}", text, registry=self.registry).set_function(value)

    def counter(self, name: str, text: str, counts: Mapping[str, int]) -> None:
        """Counts that are kept elsewhere, by outcome, as they stand when they are read."""
        self.registry.register(_Counted(f"freshrank_{name}", text, counts))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


@dataclass(eq=False)  # the registry keeps it by identity
class _Counted(Collector):
    name: str
    text: str
    counts: Mapping[str, int]

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self.name, self.text, labels=["outcome"])
        for outcome, count in self.counts.items():
            family.add_metric([outcome], count)
        yield family
