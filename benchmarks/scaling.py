"""Do two workers on this machine do more than one? The same backlog, taken by one worker and by two.

The workers join their group first and are stopped (SIGSTOP) while the backlog is published, so that neither their start
nor the publisher is measured.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.load import publish, wait_for
from deploy.laptop.ports import free_environment, free_port
from deploy.laptop.procfile import commands
from deploy.laptop.system import System, running
from streaming.events import TOPIC_INTERACTIONS
from streaming.lag import offsets

WARM_UP = 2_000
PATIENT = {"FRESHRANK_SESSION_TIMEOUT_S": "20", "FRESHRANK_COMMIT_INTERVAL_S": "0.1"}  # they are stopped for seconds


class Taken(NamedTuple):
    """How a backlog went."""

    events_per_s: float
    cores: dict[str, float]  # how many processor cores each kind of process kept busy meanwhile


def take(workers: int, count: int) -> Taken:
    """So many workers of one group take a backlog, user and item features stored."""
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
        group = stack.enter_context(offsets(broker))
        goal = group.committed(TOPIC_INTERACTIONS) + count
        for process in started:
            process.send_signal(signal.SIGCONT)
        sessions = {name: [system.pid(name)] for name in ("broker", "online-store")}
        sessions["workers"] = [process.pid for process in started]
        begin, before = time.perf_counter(), _cpu_seconds(sessions)
        wait_for(lambda: group.committed(TOPIC_INTERACTIONS) >= goal, f"{workers} workers")
        wait_for(lambda: group.lag() == 0, f"{workers} workers' items")
        seconds, after = time.perf_counter() - begin, _cpu_seconds(sessions)
        return Taken(count / seconds, {name: (after[name] - before[name]) / seconds for name in sessions})


@contextmanager
def _worker(system: System, metrics_port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = system.environment | {"FRESHRANK_WORKER_METRICS_PORT": str(metrics_port)}
    assignments = [f"{name}={value}" for name, value in environment.items()]
    command = ["env", *assignments, *commands()["worker"]]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


def _cpu_seconds(sessions: dict[str, list[int]]) -> dict[str, float]:
    """Processor time that the processes of these sessions have taken so far."""
    taken = dict.fromkeys(sessions, 0.0)
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            session, times = os.getsid(process.pid), process.cpu_times()
            for name, leaders in sessions.items():
                taken[name] += (times.user + times.system) if session in leaders else 0.0
    return taken


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
