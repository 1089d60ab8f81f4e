"""What does a ranking cost beyond what it must? /v1/rank over HTTP against a bare Feast read plus a bare inference.

Starts its own online store, broker, Triton and API on free ports, with the trainer's ranker (untrained: random weights
cost the same). The three are measured in turn, request by request, so that whatever else the machine does weighs on all
of them; the ratio is of medians.

examples:
  python -m benchmarks.rank
  python -m benchmarks.rank --json --candidates 500 --requests 200
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uvloop

from benchmarks.http_client import HttpClient
from benchmarks.rank_system import lay_out, seed_store, stores
from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from feature_repo import inputs
from feature_repo.store import open_store
from serving.ranker import Ranker, Triton
from serving.user_features import UserFeatures
from streaming.broker import create_topics
from streaming.settings import StreamSettings

TARGET = 1.6
WARM_UP = 100  # requests of each kind before the clock counts
USERS, ITEMS = 200, 3000


@dataclass
class Times:
    """Milliseconds of every call, by what was called."""

    rank: list[float] = field(default_factory=list)
    feast: list[float] = field(default_factory=list)
    triton: list[float] = field(default_factory=list)


def main() -> None:
    """Run, print the figures."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="freshrank-bench-") as directory:
        environment = free_environment(Path(directory))
        item_ids = lay_out(environment, ITEMS, real=True)
        with running(environment, ["broker", "online-store", "triton"]) as system:
            print("the neighbours run; filling the online store", file=sys.stderr)
            create_topics(StreamSettings(broker=environment["FRESHRANK_BROKER"]))
            user_ids = seed_store(environment, USERS, item_ids, time.time_ns() // 1_000_000)
            system.start("api")
            times = uvloop.run(measure(system, user_ids, item_ids, arguments.candidates, arguments.requests))
    report(figures(times, arguments.candidates, arguments.requests), arguments.json)


async def measure(system: System, user_ids: list[str], item_ids: list[str], candidates: int, requests: int) -> Times:
    """Rank, read and infer in turn."""
    api = HttpClient(system.settings.api_host, system.settings.api_port)
    _wait_until_ready(api)
    users = UserFeatures(open_store(stores(system.environment)), timeout_ms=5000)
    triton = Triton(system.settings.triton, timeout_ms=5000)
    ranker, tensors = Ranker(triton), tensors_for(candidates)
    random, times = np.random.default_rng(0), Times()
    print(f"measuring {requests} rankings of {candidates} items", file=sys.stderr)
    for number in range(-WARM_UP, requests):
        user_id = user_ids[number % len(user_ids)]
        items = random.choice(item_ids, candidates, replace=False).tolist()
        rank = _rank(api, json.dumps({"user_id": user_id, "items": items}).encode())
        feast = await _timed(users.read(user_id))
        infer = await _timed(ranker.score(tensors, candidates, version=1))
        if number >= 0:
            times.rank.append(rank)
            times.feast.append(feast)
            times.triton.append(infer)
    await triton.close()
    api.close()
    return times


def tensors_for(candidates: int) -> dict[str, npt.NDArray[Any]]:
    """Some input of the ranker for one user and this many candidates."""
    random = np.random.default_rng(0)
    shapes = {
        tensor.name: ([candidates if size == "N" else int(size) for size in tensor.shape], tensor.dtype)
        for tensor in inputs.tensors()
    }
    return {name: random.random(shape).astype(dtype) for name, (shape, dtype) in shapes.items()}


def _rank(api: HttpClient, body: bytes) -> float:
    started = time.perf_counter()
    status, answer = api.post("/v1/rank", body)
    took = (time.perf_counter() - started) * 1000
    if status != 200:
        raise SystemExit(f"/v1/rank answered {status}: {answer.decode()}")
    return took


async def _timed(call: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await call
    return (time.perf_counter() - started) * 1000


def figures(times: Times, candidates: int, requests: int) -> dict[str, Any]:
    """Percentiles in milliseconds, and rank p50 / (feast p50 + triton p50)."""
    percentiles = {
        kind: {f"p{rank}": round(float(np.percentile(getattr(times, kind), rank)), 3) for rank in (50, 95, 99)}
        for kind in ("rank", "feast", "triton")
    }
    floor = percentiles["feast"]["p50"] + percentiles["triton"]["p50"]
    ratio = round(percentiles["rank"]["p50"] / floor, 3)
    counts = {"benchmark": "rank", "candidates": candidates, "requests": requests}
    return {**counts, "ms": percentiles, "ratio": ratio, "target": TARGET, "met": ratio <= TARGET}


def report(result: dict[str, Any], as_json: bool) -> None:
    """One JSON line, or a table."""
    if as_json:
        print(json.dumps(result))
        return
    names = {"rank": "/v1/rank over HTTP", "feast": "bare Feast user read", "triton": "bare Triton inference"}
    print(f"{result['candidates']} candidates, {result['requests']} requests{'p50':>12}{'p95':>9}{'p99':>9}  ms")
    for kind, name in names.items():
        print(f"{name:<30}" + "".join(f"{value:9.2f}" for value in result["ms"][kind].values()))
    print(f"rank / (feast + triton), p50: {result['ratio']:.2f} (target {TARGET})")


def _wait_until_ready(api: HttpClient, timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while (answer := api.get("/health/ready"))[0] != 200:
        if time.monotonic() > deadline:
            raise SystemExit(f"the API is not ready: {answer[1].decode()}")
        time.sleep(0.1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rank", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line")
    parser.add_argument("--candidates", type=int, default=100, help="items in a ranking (default 100)")
    parser.add_argument("--requests", type=int, default=500, help="rankings to measure (default 500)")
    return parser


if __name__ == "__main__":
    main()
