"""How fast is the worker, against a bare Faust consumer of the same topic in the same run?

    python -m benchmarks.stream                   20,000 events, three rounds
    python -m benchmarks.stream --events 50000 --json

Both read the same events from a real broker on this machine. The bare consumer only counts them; the worker updates
user and item features, writes Redis and the offline log, passes every event on by item and tells the caches. A round
runs both, one after the other; the ratio is the median of the rounds'.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from streaming.broker import create_topics
from streaming.events import TOPIC_INTERACTIONS, Action, Interaction
from streaming.lag import offsets
from streaming.producer import EventProducer
from streaming.settings import StreamSettings

USERS, ITEMS = 2_000, 5_000
MIX: dict[Action, float] = {"impression": 0.4, "view": 0.3, "click": 0.25, "like": 0.05}
BEGIN_MS = 1_780_000_000_000
TIMEOUT_S = 300


def interactions(count: int, seed: int = 0) -> Iterator[Interaction]:
    """Made events with a long tail of users and items, ten milliseconds apart."""
    draw = np.random.default_rng(seed)
    users = (USERS * draw.random(count) ** 2).astype(int)
    items = (ITEMS * draw.random(count) ** 3).astype(int)
    actions = draw.choice(len(MIX), count, p=list(MIX.values()))
    names = list(MIX)
    for number in range(count):
        yield Interaction(
            event_id=f"{seed}-{number}",
            user_id=f"u{users[number]}",
            item_id=f"i{items[number]}",
            action=names[actions[number]],
            timestamp=BEGIN_MS + 10 * number,
        )


def one_round(count: int) -> dict[str, float]:
    """Events per second of the bare consumer and of the worker on a broker of their own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = free_environment(Path(folder)) | {"FRESHRANK_COMMIT_INTERVAL_S": "0.1"}
        with running(environment, ["broker", "online-store"]) as system:
            publish(environment["FRESHRANK_BROKER"], count)
            bare = count / bare_seconds(system, count, Path(folder) / "bare")
            return {"bare_events_per_s": bare, "worker_events_per_s": count / worker_seconds(system, count)}


def publish(broker: str, count: int) -> None:
    create_topics(StreamSettings(broker=broker))
    with EventProducer(broker) as producer:
        for event in interactions(count):
            producer.send(event)


def bare_seconds(system: System, count: int, report: Path) -> float:
    """Seconds the bare consumer takes from the first event to the last."""
    assignments = [f"{name}={value}" for name, value in system.environment.items()]
    command = ["env", *assignments, sys.executable, "-m", "benchmarks.bare_consumer", str(count), str(report)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: report.exists() and bool(report.read_text()), "the bare consumer")
        return float(report.read_text())
    finally:
        process.terminate()
        process.wait()


def worker_seconds(system: System, count: int) -> float:
    """Seconds from the worker's first committed event to the moment both its agents committed everything."""
    system.launch("worker")
    with offsets(system.environment["FRESHRANK_BROKER"]) as group:
        wait_for(lambda: group.committed(TOPIC_INTERACTIONS) > 0, "the worker")
        started, already = time.perf_counter(), group.committed(TOPIC_INTERACTIONS)
        wait_for(lambda: group.committed(TOPIC_INTERACTIONS) >= count, "the worker")
        wait_for(lambda: group.lag() == 0, "the worker's items")
        return (time.perf_counter() - started) * count / (count - already)


def wait_for(condition: Any, what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not finish within {TIMEOUT_S} s")
        time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON line on standard output")
    options = parser.parse_args()
    rounds = [one_round(options.events) for _ in range(options.rounds)]
    ratios = [each["worker_events_per_s"] / each["bare_events_per_s"] for each in rounds]
    result: dict[str, Any] = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    result |= {"benchmark": "stream", "events": options.events, "ratio": statistics.median(ratios), "ratios": ratios}
    if options.json:
        print(json.dumps(result))
        return
    print(f"bare Faust consumer   {result['bare_events_per_s']:8,.0f} events/s")
    print(f"worker                {result['worker_events_per_s']:8,.0f} events/s")
    print(f"ratio                 {result['ratio']:8.2f}  (target >= 0.4; rounds {[round(r, 2) for r in ratios]})")


if __name__ == "__main__":
    main()
