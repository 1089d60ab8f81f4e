"""The same ranking many times in a row: do answers grow slower, does the API grow larger?

A machine changes its pace within minutes, so a bare read and a bare inference are measured along, now and then: the
ratio to their sum is compared, that of the first tenth with the last one's. (rank_ratio's is higher: rare calls are
slower.)
"""

import sys
from typing import Any

import numpy as np
import psutil

from benchmarks.http_client import HttpClient
from benchmarks.rank_load import CANDIDATES, body
from benchmarks.rank_ratio import Times, figures
from benchmarks.timing import answered, bare
from deploy.laptop.system import System

BODIES = 500
BESIDE = 20  # rankings between two measurements of the floor
TENTHS = 10
LEAST = BESIDE * TENTHS  # rankings, for a floor in each tenth


async def measure(system: System, user_ids: list[str], item_ids: list[str], requests: int) -> dict[str, Any]:
    """Figures and the API's memory of each tenth."""
    random = np.random.default_rng(0)
    bodies = [body(user_ids[place % len(user_ids)], item_ids, random) for place in range(BODIES)]
    client, api = HttpClient(system.settings.api_host, system.settings.api_port), psutil.Process(system.pid("api"))
    tenths, memory = [Times() for _ in range(TENTHS)], [0.0] * TENTHS
    print(f"{requests} rankings in a row", file=sys.stderr)
    async with bare(system, CANDIDATES) as neighbours:
        for number in range(requests):
            tenth = number * TENTHS // requests
            times = tenths[tenth]
            times.rank.append(answered(client, "/v1/rank", bodies[number % BODIES]))
            if number % BESIDE == 0:
                times.feast.append(await neighbours.read(user_ids[number % len(user_ids)]))
                times.read.append(await neighbours.read_quickly(user_ids[number % len(user_ids)]))
                times.triton.append(await neighbours.infer())
                memory[tenth] = round(api.memory_info().rss / 2**20, 1)
    client.close()
    return summary([figures(times, CANDIDATES) for times in tenths], memory, requests)


def summary(tenths: list[dict[str, Any]], memory: list[float], requests: int) -> dict[str, Any]:
    """First and last tenth, and how much the ratio to the floor has grown between them."""
    first, last = tenths[0], tenths[-1]
    growth = round(last["ratio"] / first["ratio"], 3)
    ratios = [tenth["ratio"] for tenth in tenths]
    return {
        "requests": requests,
        "first": first["ms"],
        "last": last["ms"],
        "ratios": ratios,
        "ratio_growth": growth,
        "memory_mb": memory,
    }


def line(drift: dict[str, Any]) -> str:
    """In words."""
    first, last = drift["first"]["rank"], drift["last"]["rank"]
    grown = f"p50 {first['p50']:.2f} -> {last['p50']:.2f} ms, p99 {first['p99']:.2f} -> {last['p99']:.2f} ms"
    ratios = f"ratio {drift['ratios'][0]:.2f} -> {drift['ratios'][-1]:.2f}"
    memory = f"the API {drift['memory_mb'][0]} -> {drift['memory_mb'][-1]} MB"
    return f"{drift['requests']} in a row: {grown}; {ratios}; {memory}"
