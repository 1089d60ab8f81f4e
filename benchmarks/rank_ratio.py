"""A ranking over HTTP, a bare Feast read and a bare inference, in turn: the first against the sum of the others.

The API reads users more quickly than Feast does; the ratio to a floor with that read is told beside (``strict``).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.http_client import HttpClient
from benchmarks.timing import answered, bare, percentiles
from deploy.laptop.system import System

WARM_UP = 100  # requests of each kind before the clock counts


@dataclass
class Times:
    """Milliseconds of every call, by what was called."""

    rank: list[float] = field(default_factory=list)
    feast: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    triton: list[float] = field(default_factory=list)


async def measure(
    system: System, user_ids: list[str], item_ids: list[str], candidates: int, requests: int
) -> dict[str, Any]:
    """Rank, read and infer in turn."""
    api = HttpClient(system.settings.api_host, system.settings.api_port)
    random, times = np.random.default_rng(0), Times()
    async with bare(system, candidates) as neighbours:
        for number in range(-WARM_UP, requests):
            user_id = user_ids[number % len(user_ids)]
            items = random.choice(item_ids, candidates, replace=False).tolist()
            rank = answered(api, "/v1/rank", json.dumps({"user_id": user_id, "items": items}).encode())
            feast = number % 2 == 0  # one after the other, the second read would find Redis awake
            read = await (neighbours.read(user_id) if feast else neighbours.read_quickly(user_id))
            infer = await neighbours.infer()
            if number >= 0:
                times.rank.append(rank)
                (times.feast if feast else times.read).append(read)
                times.triton.append(infer)
    api.close()
    return figures(times, candidates)


def figures(times: Times, candidates: int) -> dict[str, Any]:
    """Percentiles in milliseconds, rank p50 / (feast p50 + triton p50), and that with the API's own read."""
    found = {kind: percentiles(getattr(times, kind)) for kind in ("rank", "feast", "read", "triton")}
    p50 = {kind: each["p50"] for kind, each in found.items()}
    ratio, strict = (p50["rank"] / (p50[read] + p50["triton"]) for read in ("feast", "read"))
    return {"candidates": candidates, "ms": found, "ratio": round(ratio, 3), "strict": round(strict, 3)}


def lines(sizes: list[dict[str, Any]]) -> Iterator[str]:
    """A table: a line for each number of candidates."""
    yield f"candidates  {'/v1/rank p50, p95, p99':^30}  Feast read p50  own read p50  bare inference p50  ratio  strict"
    for size in sizes:
        rank = "".join(f"{value:9.2f}" for value in size["ms"]["rank"].values())
        feast, read, infer = (size["ms"][kind]["p50"] for kind in ("feast", "read", "triton"))
        bare = f"{feast:11.2f} ms {read:10.2f} ms {infer:16.2f} ms"
        yield f"{size['candidates']:>10}  {rank} ms {bare}  {size['ratio']:5.2f}  {size['strict']:6.2f}"
