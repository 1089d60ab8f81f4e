"""What do rankings do while a neighbour hangs, dies and comes back? Load at a fixed rate, one fault after the other.

Starts its own online store, broker, Triton and API on free ports, as `python -m benchmarks.rank` does.

examples:
  python -m benchmarks.faults
  python -m benchmarks.faults --json --rate 30 --deadline-ms 200
"""

import argparse
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from benchmarks.http_client import HttpClient
from benchmarks.open_loop import Outcome, load
from benchmarks.rank_system import ranking_system
from deploy.laptop.system import System
from streaming.broker import create_topics
from streaming.settings import StreamSettings

NEIGHBOURS = ("triton", "online-store", "broker")
FAULTS = ("hangs", "dies")
BEFORE, AWAY, AFTER = 0.5, 2.0, 2.0  # seconds of load before, while and after a neighbour is away
USERS, ITEMS, CANDIDATES = 50, 3000, 100


class Load(NamedTuple):
    """Rankings at a fixed rate; ``body`` makes each from its number."""

    body: Callable[[int], bytes]
    rate: float
    path: str = "/v1/rank"


@contextmanager
def away(system: System, process: str, fault: str) -> Iterator[None]:
    """The process hangs (it takes connections and answers nothing) or is killed, and is back after the block."""
    if fault == "hangs":
        system.processes[process].send_signal(signal.SIGSTOP)
    else:
        system.kill(process)
    try:
        yield
    finally:
        if fault == "hangs":
            system.processes[process].send_signal(signal.SIGCONT)
        else:
            system.start(process)
            if process == "broker":
                create_topics(StreamSettings(broker=system.settings.broker))


def during(system: System, process: str, fault: str, asked: Load) -> list[Outcome]:
    """What became of the rankings before, while and after a neighbour was away."""
    address = (system.settings.api_host, system.settings.api_port)
    with ThreadPoolExecutor(1) as thread:
        seconds = BEFORE + AWAY + AFTER
        outcomes = thread.submit(load, [address], asked.path, asked.body, asked.rate, seconds)
        threading.Event().wait(BEFORE)
        with away(system, process, fault):
            threading.Event().wait(AWAY)
        return outcomes.result()


def settle(system: System, body: bytes, timeout: float = 60) -> None:
    """Return once a ranking lacks nothing; raises SystemExit with what it lacks."""
    client = HttpClient(system.settings.api_host, system.settings.api_port)
    deadline = time.monotonic() + timeout
    while b'"degraded":[]' not in (answer := client.post("/v1/rank", body)[1]):
        if time.monotonic() > deadline:
            raise SystemExit(f"rankings do not recover: {answer.decode()}")
        time.sleep(0.1)
    client.close()


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Percentiles as the caller sees them, statuses, what was lacking, and when the last degraded answer was due."""
    took = np.array([outcome.seconds for outcome in outcomes]) * 1000
    answers = [(outcome.at, json.loads(outcome.body)) for outcome in outcomes if outcome.status == 200]
    lacked = Counter(what for _, answer in answers for what in answer["degraded"])
    last = max((at for at, answer in answers if answer["degraded"]), default=None)
    return {
        "ms": {f"p{rank}": round(float(np.percentile(took, rank)), 1) for rank in (50, 95, 99, 100)},
        "statuses": dict(Counter(outcome.status for outcome in outcomes)),
        "degraded": dict(lacked),
        "last_degraded_at_s": None if last is None else round(last, 2),
    }


def main() -> None:
    """Run, print the figures."""
    arguments = _parser().parse_args()
    results = []
    with ranking_system(USERS, ITEMS) as (system, user_ids, item_ids):
        random = np.random.default_rng(0)

        def body(number: int) -> bytes:
            items = random.choice(item_ids, CANDIDATES, replace=False).tolist()
            asked = {"user_id": user_ids[number % USERS], "items": items, "deadline_ms": arguments.deadline_ms}
            return json.dumps(asked).encode()

        for process in NEIGHBOURS:
            for fault in FAULTS:
                settle(system, body(0))
                found = figures(during(system, process, fault, Load(body, arguments.rate)))
                results.append({"process": process, "fault": fault, **found})
                if not arguments.json:
                    print(line(results[-1]))
    if arguments.json:
        asked = {"rate": arguments.rate, "deadline_ms": arguments.deadline_ms, "candidates": CANDIDATES}
        print(json.dumps({"benchmark": "faults", **asked, "results": results}))


def line(result: dict[str, Any]) -> str:
    """One fault in words."""
    who = f"{result['process']} {result['fault']}"
    ms = "  ".join(f"{rank} {took:.1f}" for rank, took in result["ms"].items())
    return f"{who:<20} {ms} ms  {result['statuses']}  {result['degraded']}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line")
    parser.add_argument("--rate", type=float, default=50, help="rankings a second (default 50)")
    parser.add_argument("--deadline-ms", type=int, default=500, help="deadline of each ranking (default 500)")
    return parser


if __name__ == "__main__":
    main()
