"""What a worker counts and times, for Prometheus."""

import logging
from collections.abc import Iterator

from kafka.errors import KafkaError
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streaming.lag import offsets
from streaming.settings import StreamSettings

log = logging.getLogger(__name__)

BATCH = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
STORE = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
PATIENCE_MS = 2_000  # with a broker that is away, before the other figures are told
FRESH = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 5, 30, 300)


class Metrics:
    """The registry and what is observed into it."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.batch = Histogram(
            "freshrank_worker_batch_events", "Events taken at a time", ["agent"], buckets=BATCH, registry=registry
        )
        self.store = Histogram(
            "freshrank_worker_store_seconds",
            "Time to read or write a batch's rows, waits for a store that is away included",
            ["step"],
            buckets=STORE,
            registry=registry,
        )
        self.fresh = Histogram(
            "freshrank_worker_fresh_seconds",
            "Time from a user's newest event to the row that holds it",
            buckets=FRESH,
            registry=registry,
        )
        self.duplicates = Counter("freshrank_worker_duplicates", "Events sent twice, counted once", registry=registry)
        self.late = Counter(
            "freshrank_worker_late", "Events older than one their user was known for", registry=registry
        )
        self.ignored = Counter(
            "freshrank_worker_ignored", "Events from before their user or item was forgotten", registry=registry
        )
        self.dead = Counter("freshrank_worker_dead_letters", "Messages nobody can use", ["topic"], registry=registry)
        self.retries = Counter(
            "freshrank_worker_retries", "Attempts that failed because a store was away", ["step"], registry=registry
        )

    def serve(self, settings: StreamSettings) -> None:
        """Answer Prometheus, the lag included; a port that is taken (by another worker here) is said, not fatal."""
        self.registry.register(_Lag(settings.broker))
        host, port = settings.worker_host, settings.worker_metrics_port
        try:
            start_http_server(port, host, self.registry)
        except OSError as error:
            log.warning("no metrics from this worker: %s:%d: %s", host, port, error)
            log.warning("set FRESHRANK_WORKER_METRICS_PORT to a free port, or to 0 for none")


class _Lag(Collector):
    """Asked of the broker whenever Prometheus asks: a worker that is stuck would not know."""

    def __init__(self, broker: str) -> None:
        self._broker = broker

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "freshrank_worker_lag_events", "Events of a topic that no worker has stored yet", labels=["topic"]
        )
        try:
            with offsets(self._broker, patience_ms=PATIENCE_MS) as group:
                for topic in group.topics:
                    family.add_metric([topic], group.lag_of(topic))
        except (KafkaError, LookupError) as error:  # a broker that is away must not hide the other figures
            log.warning("the lag is not known: %s", error)
        yield family
