"""A ranking over HTTP, a bare Feast read and a bare inference, in turn: the first against the sum of the others."""

import json
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.http_client import HttpClient
from benchmarks.rank_system import stores
from deploy.laptop.system import System
from feature_repo import inputs
from feature_repo.store import open_store
from serving.ranker import Ranker, Triton
from serving.user_features import UserFeatures

WARM_UP = 100  # requests of each kind before the clock counts


@dataclass
class Times:
    """Milliseconds of every call, by what was called."""

    rank: list[float] = field(default_factory=list)
    feast: list[float] = field(default_factory=list)
    triton: list[float] = field(default_factory=list)


async def measure(
    system: System, user_ids: list[str], item_ids: list[str], candidates: int, requests: int
) -> dict[str, Any]:
    """Rank, read and infer in turn."""
    api = HttpClient(system.settings.api_host, system.settings.api_port)
    users = UserFeatures(open_store(stores(system.environment)), timeout_ms=5000)
    triton = Triton(system.settings.triton, timeout_ms=5000)
    ranker, tensors = Ranker(triton), tensors_for(candidates)
    random, times = np.random.default_rng(0), Times()
    for number in range(-WARM_UP, requests):
        user_id = user_ids[number % len(user_ids)]
        items = random.choice(item_ids, candidates, replace=False).tolist()
        rank = ranked(api, json.dumps({"user_id": user_id, "items": items}).encode())
        feast = await _timed(users.read(user_id))
        infer = await _timed(ranker.score(tensors, candidates, version=1))
        if number >= 0:
            times.rank.append(rank)
            times.feast.append(feast)
            times.triton.append(infer)
    await triton.close()
    api.close()
    return figures(times, candidates)


def tensors_for(candidates: int) -> dict[str, npt.NDArray[Any]]:
    """Some input of the ranker for one user and this many candidates."""
    random = np.random.default_rng(0)
    shapes = {
        tensor.name: ([candidates if size == "N" else int(size) for size in tensor.shape], tensor.dtype)
        for tensor in inputs.tensors()
    }
    return {name: random.random(shape).astype(dtype) for name, (shape, dtype) in shapes.items()}


def ranked(api: HttpClient, body: bytes) -> float:
    """Milliseconds of one ranking; one that is not whole ends the benchmark."""
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


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """p50, p95 and p99."""
    return {f"p{rank}": round(float(np.percentile(milliseconds, rank)), 3) for rank in (50, 95, 99)}


def figures(times: Times, candidates: int) -> dict[str, Any]:
    """Percentiles in milliseconds, and rank p50 / (feast p50 + triton p50)."""
    found = {kind: percentiles(getattr(times, kind)) for kind in ("rank", "feast", "triton")}
    floor = found["feast"]["p50"] + found["triton"]["p50"]
    return {"candidates": candidates, "ms": found, "ratio": round(found["rank"]["p50"] / floor, 3)}


def lines(sizes: list[dict[str, Any]]) -> Iterator[str]:
    """A table: a line for each number of candidates."""
    yield f"candidates  {'/v1/rank p50, p95, p99':^30}  bare read p50  bare inference p50  ratio"
    for size in sizes:
        rank = "".join(f"{value:9.2f}" for value in size["ms"]["rank"].values())
        read, infer = (size["ms"][kind]["p50"] for kind in ("feast", "triton"))
        yield f"{size['candidates']:>10}  {rank} ms {read:10.2f} ms  {infer:15.2f} ms  {size['ratio']:.2f}"
