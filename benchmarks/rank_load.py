"""Rankings of 100 items at fixed arrival rates, by one API process or several: latencies, what was shed or degraded."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import psutil

from benchmarks.open_loop import Address, Outcome, load
from benchmarks.rank_system import wait_until_ready
from benchmarks.timing import percentiles
from deploy.laptop.ports import free_port
from deploy.laptop.system import System, running

CANDIDATES, BODIES = 100, 500


def measure(
    system: System, user_ids: list[str], item_ids: list[str], workers: int, asked: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Figures of each rate; ``workers`` API processes take the requests in turn."""
    if not asked.rates:
        return
    random = np.random.default_rng(0)
    bodies = [body(user_ids[place % len(user_ids)], item_ids, random) for place in range(BODIES)]
    with ExitStack() as stack:
        systems = [system, *(stack.enter_context(another(system)) for _ in range(workers - 1))]
        addresses = [(each.settings.api_host, each.settings.api_port) for each in systems]
        at(addresses, bodies, rate=50, seconds=2)  # warm up
        for rate in asked.rates:
            print(f"{rate} rankings a second for {asked.seconds:g} s, {workers} workers", file=sys.stderr)
            busy, began = cpu_seconds(systems), time.monotonic()
            outcomes = at(addresses, bodies, rate, asked.seconds)
            spent = {name: after - busy[name] for name, after in cpu_seconds(systems).items()}
            yield {"workers": workers, "rate": rate, **figures(outcomes, time.monotonic() - began, spent)}


def body(user_id: str, item_ids: list[str], random: np.random.Generator) -> bytes:
    """A request for one user."""
    items = random.choice(item_ids, CANDIDATES, replace=False).tolist()
    return json.dumps({"user_id": user_id, "items": items}).encode()


def at(addresses: list[Address], bodies: list[bytes], rate: float, seconds: float) -> list[Outcome]:
    """What became of this many rankings a second."""
    return load(addresses, "/v1/rank", lambda number: bodies[number % len(bodies)], rate, seconds)


@contextmanager
def another(system: System) -> Iterator[System]:
    """One more API process among the same neighbours, ready."""
    with running(system.environment | {"FRESHRANK_API_PORT": str(free_port())}, ["api"]) as added:
        wait_until_ready(added)
        yield added


def cpu_seconds(systems: list[System]) -> dict[str, float]:
    """Processor time so far by process name, children included; ``client`` is this process."""
    spent: dict[str, float] = {"client": sum(psutil.Process().cpu_times()[:2])}
    for name, process in ((name, each) for system in systems for name, each in system.processes.items()):
        own = psutil.Process(process.pid)
        spent[name] = spent.get(name, 0) + sum(sum(each.cpu_times()[:2]) for each in (own, *own.children(True)))
    return spent


def figures(outcomes: list[Outcome], took: float, spent: dict[str, float]) -> dict[str, Any]:
    """Percentiles of what was answered, counts of the rest, milliseconds of processor time per request by process."""
    answered = [outcome for outcome in outcomes if outcome.status == 200]
    return {
        "ms": percentiles([outcome.seconds * 1000 for outcome in answered]) if answered else {},
        "answered_per_s": round(len(answered) / took, 1),
        "shed": sum(outcome.status == 503 for outcome in outcomes),
        "failed": sum(outcome.status not in (200, 503) for outcome in outcomes),
        "degraded": sum(b'"degraded":[]' not in outcome.body for outcome in answered),
        "cpu_ms": {name: round(seconds * 1000 / len(outcomes), 3) for name, seconds in spent.items()},
    }


def lines(loads: list[dict[str, Any]]) -> Iterator[str]:
    """A table: a line for each rate."""
    if loads:
        yield f"workers  rate answered/s {'p50, p95, p99':^30}  shed degraded  CPU ms a request"
    for each in loads:
        ms = "".join(f"{value:9.2f}" for value in each["ms"].values())
        spent = ", ".join(f"{name} {value:.2f}" for name, value in each["cpu_ms"].items())
        shed = f"{each['shed']:>5} {each['degraded']:>8}"
        yield f"{each['workers']:>7} {each['rate']:>5} {each['answered_per_s']:>10} {ms:>27} ms {shed}  {spent}"
