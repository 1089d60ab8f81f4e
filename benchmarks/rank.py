"""What does a ranking cost beyond what it must? /v1/rank over HTTP against a bare Feast read plus a bare inference.

Starts its own online store, broker, Triton and API on free ports, with the trainer's ranker (untrained: random weights
cost the same). For each number of candidates the three are measured in turn, request by request, so that whatever else
the machine does weighs on all of them; the ratio is of medians. With --rates it then asks at fixed arrival rates, with
--drift so many times in a row.

examples:
  python -m benchmarks.rank
  python -m benchmarks.rank --json --candidates 10,50,100,200,500 --rates 50,100,200,300 --workers 1,2
  python -m benchmarks.rank --drift 100000
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from benchmarks import rank_drift, rank_load, rank_ratio
from benchmarks.machine import commit, machine
from benchmarks.rank_system import ranking_system

TARGET = 1.35
TARGET_AT = 100  # candidates
USERS, ITEMS = 200, 3000


def main() -> None:
    """Run, print the figures."""
    asked = _parser().parse_args()
    if 0 < asked.drift < rank_drift.LEAST:
        sys.exit(f"--drift {asked.drift}: at least {rank_drift.LEAST} rankings, so that each tenth has its floor")
    with ranking_system(USERS, ITEMS) as world:
        sizes = [uvloop.run(rank_ratio.measure(*world, size, asked.requests)) for size in asked.candidates]
        loads = [found for workers in asked.workers for found in rank_load.measure(*world, workers, asked)]
        drift = uvloop.run(rank_drift.measure(*world, asked.drift)) if asked.drift else None
    report(summary(sizes, loads, drift, asked.requests), asked.json)


def summary(sizes: list[dict[str, Any]], loads: list[Any], drift: Any, requests: int) -> dict[str, Any]:
    """All figures; at the top those of the target's size, or of the only one."""
    chief = next((size for size in sizes if size["candidates"] == TARGET_AT), sizes[0])
    return {
        "benchmark": "rank",
        "requests": requests,
        **chief,
        "target": TARGET,
        "met": chief["ratio"] <= TARGET,
        "sizes": sizes,
        "load": loads,
        "drift": drift,
        "machine": machine(),
        "commit": commit(),
    }


def report(result: dict[str, Any], as_json: bool) -> None:
    """One JSON line, or tables."""
    if as_json:
        print(json.dumps(result))
        return
    for line in [*rank_ratio.lines(result["sizes"]), *rank_load.lines(result["load"])]:
        print(line)
    if result["drift"]:
        print(rank_drift.line(result["drift"]))
    print(f"rank / (feast + triton), p50 at {result['candidates']}: {result['ratio']:.2f} (target {TARGET})")


def numbers(text: str) -> list[int]:
    """Numbers with commas between them."""
    return [int(each) for each in text.split(",") if each]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rank", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add: Callable[..., Any] = parser.add_argument
    add("--json", action="store_true", help="print one JSON line")
    add("--candidates", type=numbers, default=[100], help="items in a ranking, one or several numbers (default 100)")
    add("--requests", type=int, default=500, help="rankings to measure of each size (default 500)")
    add("--rates", type=numbers, default=[], help="rankings a second of 100 items to ask for, one or several numbers")
    add("--seconds", type=float, default=10, help="for how long at each rate (default 10)")
    add("--workers", type=numbers, default=[1], help="API processes at these rates, one or several numbers (default 1)")
    add("--drift", type=int, default=0, help="rankings to ask for in a row, first against last tenth (default none)")
    return parser


if __name__ == "__main__":
    main()
