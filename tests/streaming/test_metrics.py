"""What a worker tells Prometheus."""

import logging
import socket
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.laptop.ports import answers, free_port
from deploy.laptop.settings import Address
from streaming.events import Interaction
from streaming.metrics import Metrics
from streaming.settings import StreamSettings
from tests.streaming.live import Live, T, interactions


def figures(port: int) -> dict[tuple[str, str], float]:
    """Every sample by name and (first) label."""
    text = urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
    families = text_string_to_metric_families(text)
    return {(each.name, "".join(each.labels.values())): each.value for family in families for each in family.samples}


def test_a_port_that_is_taken_is_said_and_not_fatal(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, caplog.at_level(logging.WARNING):
        Metrics().serve(StreamSettings(worker_metrics_port=taken.getsockname()[1], broker=f"127.0.0.1:{free_port()}"))
    assert "FRESHRANK_WORKER_METRICS_PORT" in caplog.text


def test_a_broker_that_is_away_hides_the_lag_alone(caplog: pytest.LogCaptureFixture) -> None:
    metrics, port = Metrics(), free_port()
    metrics.duplicates.inc(3)
    metrics.serve(StreamSettings(worker_metrics_port=port, broker=f"127.0.0.1:{free_port()}"))
    told = figures(port)
    assert told["freshrank_worker_duplicates_total", ""] == 3
    assert not [name for name, _ in told if name == "freshrank_worker_lag_events"]
    assert "the lag is not known" in caplog.text


@pytest.mark.process
def test_a_worker_tells_what_it_did(worker: Live) -> None:
    port = int(worker.system.environment["FRESHRANK_WORKER_METRICS_PORT"])
    events = interactions("told", 50)
    late = Interaction(event_id="told late", user_id=events[0].user_id, item_id="1", action="view", timestamp=T - 10**9)
    worker.eventually(lambda: answers(Address("127.0.0.1", port)))
    before = figures(port)
    worker.send([*events, events[-1], late])
    worker.send_raw("interactions", b"told", b"poison")
    worker.eventually(lambda: worker.counted([*events, late]))

    def grown() -> dict[tuple[str, str], float]:
        return {name: value - before.get(name, 0) for name, value in figures(port).items()}

    def all_told() -> Any:
        told = grown()
        lag = [value for (name, _), value in figures(port).items() if name == "freshrank_worker_lag_events"]
        return told["freshrank_worker_dead_letters_total", "interactions"] == 1 and lag == [0, 0] and told

    told = worker.eventually(all_told)
    assert told["freshrank_worker_duplicates_total", ""] == 1
    assert told["freshrank_worker_late_total", ""] >= 1
    assert told["freshrank_worker_batch_events_sum", "users"] == 53
    assert told["freshrank_worker_store_seconds_count", "writing user rows"] >= 1
    assert told["freshrank_worker_fresh_seconds_count", ""] >= 1
