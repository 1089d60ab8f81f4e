"""A store that is slow or away: the worker waits, says so, and goes on where it was."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from tests.streaming.live import Live, interactions
from tests.streaming.test_metrics import figures

pytestmark = pytest.mark.process


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Live]:
    """A system whose store has one second to answer."""
    environment = free_environment(tmp_path) | {
        "FRESHRANK_SESSION_TIMEOUT_S": "2",
        "FRESHRANK_COMMIT_INTERVAL_S": "0.3",
    }
    environment["FRESHRANK_REDIS"] += ",socket_timeout=1"
    with running(environment, ["broker", "online-store", "worker"]) as system:
        yield Live(system, open_store(StoreSettings(redis=system.settings.redis, data_dir=tmp_path)))


def test_a_store_that_freezes_is_waited_for_and_the_wait_is_seen(impatient: Live) -> None:
    port = int(impatient.system.environment["FRESHRANK_WORKER_METRICS_PORT"])
    before, during = interactions("before", 50), interactions("during", 300)
    impatient.send(before)
    impatient.eventually(lambda: impatient.counted(before))
    worker, store = impatient.system.pid("worker"), impatient.system.processes["online-store"]
    store.send_signal(signal.SIGSTOP)
    try:
        impatient.send(during)
        impatient.eventually(lambda: "attempt 2 of 8 follows" in impatient.system.tail("worker"))
        told = figures(port)
        assert told["freshrank_worker_retries_total", "reading user rows"] >= 1
        assert told["freshrank_worker_lag_events", "interactions"] == len(during)
    finally:
        store.send_signal(signal.SIGCONT)
    impatient.eventually(lambda: impatient.counted(during))
    impatient.check([*before, *during])
    assert impatient.system.pid("worker") == worker and impatient.system.processes["worker"].poll() is None
    impatient.eventually(lambda: figures(port)["freshrank_worker_lag_events", "interactions"] == 0)
