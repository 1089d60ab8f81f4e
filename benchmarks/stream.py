"""How fast and how fresh is the worker, against a bare Faust consumer of the same topic in the same run?

    python -m benchmarks.stream                   100,000 events, three rounds; about six minutes
    python -m benchmarks.stream --rounds 1 --json

Both read the same events from a real broker on this machine. The bare consumer is Faust as released and only counts
them; the worker updates user and item features, writes Redis and the offline log, passes every event on by item and
tells the caches. A round runs both, one after the other; the ratio is the median of the rounds'.

Then one worker and two take the same backlog (scaling.py; the median of as many rounds), and single events are timed
from the producer to the online row while 500 a second stream by (visible.py).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import scaling, visible
from benchmarks.load import publish, wait_for
from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from streaming.events import TOPIC_INTERACTIONS
from streaming.lag import offsets


def one_round(count: int) -> dict[str, float]:
    """Events per second of the bare consumer and of the worker on a broker of their own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = free_environment(Path(folder)) | {"FRESHRANK_COMMIT_INTERVAL_S": "0.1"}
        with running(environment, ["broker", "online-store"]) as system:
            publish(environment["FRESHRANK_BROKER"], count)
            bare = count / bare_seconds(system, count, Path(folder) / "bare")
            return {"bare_events_per_s": bare, "worker_events_per_s": count / worker_seconds(system, count)}


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


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON line on standard output")
    options = parser.parse_args()
    rounds = [one_round(options.events) for _ in range(options.rounds)]
    ratios = [each["worker_events_per_s"] / each["bare_events_per_s"] for each in rounds]
    result: dict[str, Any] = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    result |= {"benchmark": "stream", "events": options.events, "ratio": statistics.median(ratios), "ratios": ratios}
    pairs = [(scaling.take(1, options.events), scaling.take(2, options.events)) for _ in rounds]
    one, two = sorted(pairs, key=lambda pair: pair[1].events_per_s / pair[0].events_per_s)[len(pairs) // 2]
    result |= {"one_worker_events_per_s": one.events_per_s, "two_workers_events_per_s": two.events_per_s}
    result |= {"scaling": two.events_per_s / one.events_per_s, "cores_of_one": one.cores, "cores_of_two": two.cores}
    result |= visible.measure()
    print(json.dumps(result) if options.json else page(result))


def page(result: dict[str, Any]) -> str:
    """The figures for people."""
    rounds = [round(ratio, 2) for ratio in result["ratios"]]
    one, two = result["one_worker_events_per_s"], result["two_workers_events_per_s"]
    busy = [
        ", ".join(f"{name} {cores:.2f}" for name, cores in result[f"cores_of_{each}"].items())
        for each in ("one", "two")
    ]
    p50, p99 = result["visible_p50_ms"], result["visible_p99_ms"]
    return f"""\
bare Faust consumer   {result["bare_events_per_s"]:8,.0f} events/s
worker                {result["worker_events_per_s"]:8,.0f} events/s
ratio                 {result["ratio"]:8.2f}  (target >= 0.6; rounds {rounds})
one worker, two       {one:8,.0f}, {two:,.0f} events/s off a backlog: {result["scaling"]:.2f} times (target >= 1.6)
cores busy            {busy[0]}; {busy[1]}
event -> online row   {p50:8.1f} ms p50, {p99:.1f} ms p99 at {visible.PER_S} events/s (target <= 30, <= 150)
Redis                 {result["redis_bytes_per_user"]:8,.0f} bytes per user"""


if __name__ == "__main__":
    main()
