"""A recommendation over HTTP, a bare Feast read, a bare inference of as many candidates and a bare product, in turn."""

import asyncio
import json
import re
import time
from typing import Any

import numpy as np
import uvloop

from benchmarks.http_client import HttpClient
from benchmarks.rank_system import ranking_system, vectors
from benchmarks.timing import answered, bare, percentiles
from deploy.laptop.system import System
from serving.candidates.top import top
from serving.settings import ServingSettings

USERS, WARM_UP = 200, 50
PATIENCE = 900  # seconds for a graph
PARTS = ("feast", "triton", "product")


def measure(items: int, requests: int) -> dict[str, Any]:
    """Start everything with a catalogue of this size, and measure."""
    with ranking_system(USERS, items) as (system, user_ids, _):
        return uvloop.run(_in_turn(system, user_ids, items, requests))


async def _in_turn(system: System, user_ids: list[str], items: int, requests: int) -> dict[str, Any]:
    api = HttpClient(system.settings.api_host, system.settings.api_port)
    matrix, count = vectors(items, 0).astype(np.float32), ServingSettings().recommend_candidates
    times = {name: list[float]() for name in ("recommend", *PARTS)}
    await graph_built(api, items)
    async with bare(system, count) as neighbours:
        for number in range(-WARM_UP, requests):
            user_id = user_ids[number % len(user_ids)]
            took = {"recommend": answered(api, "/v1/recommend", json.dumps({"user_id": user_id}).encode())}
            took |= {"feast": await neighbours.read(user_id), "triton": await neighbours.infer()}
            started = time.perf_counter()
            top(matrix @ matrix[number], count)
            took["product"] = (time.perf_counter() - started) * 1000
            if number >= 0:
                for name, milliseconds in took.items():
                    times[name].append(milliseconds)
    api.close()
    found = {name: percentiles(each) for name, each in times.items()}
    floor = sum(found[part]["p50"] for part in PARTS)
    return {"items": items, "candidates": count, "ms": found, "ratio": round(found["recommend"]["p50"] / floor, 3)}


async def graph_built(api: HttpClient, items: int) -> None:
    """Return once the API searches as it will from then on."""
    if items <= ServingSettings().exact_search_items:
        return
    deadline = time.monotonic() + PATIENCE
    while not in_graph(api.get("/metrics")[1].decode()):
        if time.monotonic() > deadline:
            raise SystemExit(f"the API has built no graph within {PATIENCE} s")
        await asyncio.sleep(0.5)


def in_graph(metrics: str) -> float:
    """How many items the API's graph has, by its metrics."""
    found = re.search(r"^freshrank_items_in_graph (\S+)$", metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


def line(size: dict[str, Any]) -> str:
    """One size, for people."""
    ours, parts = size["ms"]["recommend"], ", ".join(f"{part} {size['ms'][part]['p50']:.2f}" for part in PARTS)
    return (
        f"{size['items']:>9,} items: over HTTP p50 {ours['p50']:.2f} p95 {ours['p95']:.2f} p99 {ours['p99']:.2f} ms, "
        f"bare: {parts} ms, ratio {size['ratio']:.2f}"
    )
