"""The same ranking many times in a row: do answers grow slower, does the API grow larger?"""

import sys
from typing import Any

import numpy as np
import psutil

from benchmarks.http_client import HttpClient
from benchmarks.rank_load import body
from benchmarks.rank_ratio import percentiles, ranked
from deploy.laptop.system import System

BODIES = 500


def measure(system: System, user_ids: list[str], item_ids: list[str], requests: int) -> dict[str, Any]:
    """Percentiles of the first tenth and of the last, and the API's memory after each."""
    random = np.random.default_rng(0)
    bodies = [body(user_ids[place % len(user_ids)], item_ids, random) for place in range(BODIES)]
    client, api = HttpClient(system.settings.api_host, system.settings.api_port), psutil.Process(system.pid("api"))
    took, tenth, memory = [], max(1, requests // 10), []
    print(f"{requests} rankings in a row", file=sys.stderr)
    for number in range(requests):
        took.append(ranked(client, bodies[number % BODIES]))
        if (number + 1) % tenth == 0:
            memory.append(round(api.memory_info().rss / 2**20, 1))
    client.close()
    first, last = percentiles(took[:tenth]), percentiles(took[-tenth:])
    growth = round(last["p50"] / first["p50"], 3)
    return {"requests": requests, "first": first, "last": last, "p50_growth": growth, "memory_mb": memory}


def line(drift: dict[str, Any]) -> str:
    """In words."""
    first, last = drift["first"], drift["last"]
    grown = f"p50 {first['p50']:.2f} -> {last['p50']:.2f} ms, p99 {first['p99']:.2f} -> {last['p99']:.2f} ms"
    return f"{drift['requests']} in a row: {grown}; the API {drift['memory_mb'][0]} -> {drift['memory_mb'][-1]} MB"
