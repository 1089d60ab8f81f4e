"""Do two workers on this machine do more than one? The same backlog, taken by one worker and by two.

The workers join their group first and are stopped (SIGSTOP) while the backlog is published, so that neither their start
nor the publisher is measured.
"""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.load import publish, wait_for
from deploy.laptop.ports import free_environment, free_port
from deploy.laptop.procfile import commands
from deploy.laptop.system import System, running
from streaming.lag import offsets

WARM_UP = 2_000
PATIENT = {"FRESHRANK_SESSION_TIMEOUT_S": "20", "FRESHRANK_COMMIT_INTERVAL_S": "0.1"}  # they are stopped for seconds


def events_per_s(workers: int, count: int) -> float:
    """Events per second that so many workers of one group take off a backlog, user and item features stored."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        system = stack.enter_context(running(free_environment(Path(folder)) | PATIENT, ["broker", "online-store"]))
        broker = system.environment["FRESHRANK_BROKER"]
        publish(broker, WARM_UP, seed=1)
        ports = [free_port() for _ in range(workers)]
        started = [stack.enter_context(_worker(system, port)) for port in ports]
        _warm(broker, ports)
        for process in started:
            process.send_signal(signal.SIGSTOP)
        publish(broker, count)
        for process in started:
            process.send_signal(signal.SIGCONT)
        begin = time.perf_counter()
        with offsets(broker) as group:
            wait_for(lambda: group.lag() == 0, f"{workers} workers")
        return count / (time.perf_counter() - begin)


@contextmanager
def _worker(system: System, metrics_port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = system.environment | {"FRESHRANK_WORKER_METRICS_PORT": str(metrics_port)}
    assignments = [f"{name}={value}" for name, value in environment.items()]
    process = subprocess.Popen(["env", *assignments, *commands()["worker"]], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


def _warm(broker: str, ports: list[int]) -> None:
    """Until every worker has partitions of its own: each must have taken events since both were there."""
    wait_for(lambda: all(_taken(port) is not None for port in ports), "the workers' start")
    before, seed = [_taken(port) or 0.0 for port in ports], 2

    def all_take() -> bool:
        nonlocal seed
        publish(broker, WARM_UP, seed)
        seed += 1
        with offsets(broker) as group:
            wait_for(lambda: group.lag() == 0, "the warm-up")
        return all((_taken(port) or 0.0) > was for port, was in zip(ports, before, strict=True))

    wait_for(all_take, "every worker's first event")


def _taken(port: int) -> float | None:
    """Events a worker has taken; none where it does not answer yet."""
    try:
        text = urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
    except (URLError, OSError):
        return None
    families = text_string_to_metric_families(text)
    samples = (sample for family in families for sample in family.samples)
    return sum(each.value for each in samples if each.name == "freshrank_worker_batch_events_sum")
