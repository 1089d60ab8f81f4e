"""What do candidates from the whole catalogue cost, and how many of the nearest does the approximate index find?

Catalogues are made up and live in this process; for each size one bare product of all vectors with a direction, and the
best of it, is measured in turn with gathering candidates from all sources: the floor is of the same run.

examples:
  python -m benchmarks.recommend
  python -m benchmarks.recommend --http 1000,100000 --sizes ""           # the whole of /v1/recommend
  python -m benchmarks.recommend --sizes 1000,100000,1000000 --json     # the last builds its graph for minutes
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import recommend_http
from benchmarks.machine import commit, machine
from benchmarks.rank import numbers
from benchmarks.synthetic_catalogue import histories, lists_of, table_of
from benchmarks.timing import percentiles
from feature_repo.item_table import ItemTable
from serving.candidates.asked import Asked, Within
from serving.candidates.gather import Limits, gather
from serving.candidates.lists import Lists
from serving.candidates.nearest import Nearest
from serving.candidates.retrieval import SHARED, SOURCES
from serving.candidates.top import top
from serving.candidates.user_vector import user_vector
from serving.settings import ServingSettings

Array = npt.NDArray[Any]
WARM_UP = 20


def main() -> None:
    """Run, print the figures."""
    asked = _parser().parse_args()
    sizes = [measure(size, asked.requests, asked.exact_up_to) for size in asked.sizes]
    over_http = [recommend_http.measure(size, asked.requests) for size in asked.http]
    if asked.json:
        found = {"benchmark": "recommend", "requests": asked.requests, "sizes": sizes, "http": over_http}
        print(json.dumps(found | {"machine": machine(), "commit": commit()}))
        return
    for each in [*map(line, sizes), *map(recommend_http.line, over_http)]:
        print(each)


def measure(items: int, requests: int, exact_up_to: int) -> dict[str, Any]:
    """Figures of a catalogue of this size."""
    now_ms = time.time_ns() // 1_000_000
    table = table_of(items, now_ms)
    nearest, lists = Nearest(table, exact_up_to), Lists(table, SHARED)
    follow_s = _seconds(lambda: nearest.follow(nearest.look(1)))
    lists_s = _seconds(lambda: lists.make(lists.look(), now_ms))
    build_s = _seconds(lambda: nearest.grow(nearest.look(1)))
    nearest.follow(nearest.look(1))
    within = Within(table, nearest, lists, lists_of(items))
    bare, gathered, shares = asyncio.run(_in_turn(table, within, requests, now_ms))
    return {
        "items": items,
        "search": "graph" if nearest.in_graph else "exact",
        "ms": {"bare": percentiles(bare), "candidates": percentiles(gathered)},
        "ratio": round(float(np.median(gathered) / np.median(bare)), 3),
        "recall": round(float(np.mean(shares)), 4),
        "graph_s": round(build_s, 1) if nearest.in_graph else 0.0,
        "follow_s": round(follow_s, 3),
        "lists_s": round(lists_s, 3),
    }


async def _in_turn(
    table: ItemTable, within: Within, requests: int, now_ms: int
) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of bare products and of gathering, and the share of the nearest that the search finds."""
    settings = ServingSettings()
    limits = Limits(settings.recommend_candidates, settings.quotas, 10.0, spare=64)
    bare, gathered, shares = [], [], []
    with ThreadPoolExecutor(1) as threads:
        for number, met in zip(range(-WARM_UP, requests), histories(len(table), now_ms), strict=False):
            asked = Asked(within, met, now_ms, user_vector(met, table))
            started = time.perf_counter()
            await gather(asked, SOURCES, limits, table.rankable, threads)
            done = time.perf_counter()
            assert asked.user is not None
            product(table, asked.user, limits.size)
            ended = time.perf_counter()
            if number >= 0:
                gathered.append((done - started) * 1000)
                bare.append((ended - done) * 1000)
                shares.append(_share(within.nearest, table, asked.user, limits.size))
    return bare, gathered, shares


def product(table: ItemTable, direction: Array, count: int) -> Array:
    """The floor: every vector times the direction, and the best of that."""
    return top(table.column("item_vectors") @ direction, count)


def _share(nearest: Nearest, table: ItemTable, direction: Array, count: int) -> float:
    vectors = table.column("item_vectors")
    true = top(vectors @ direction / np.linalg.norm(vectors, axis=1), count)
    return float(np.isin(true, nearest.search(direction, count).rows).mean())


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def line(size: dict[str, Any]) -> str:
    """One size, for people."""
    bare, ours = size["ms"]["bare"], size["ms"]["candidates"]
    built = f", graph built in {size['graph_s']:.0f} s" if size["search"] == "graph" else ""
    return (
        f"{size['items']:>9,} items, {size['search']}: candidates p50 {ours['p50']:.2f} p99 {ours['p99']:.2f} ms, bare "
        f"product p50 {bare['p50']:.2f} ms, ratio {size['ratio']:.2f}, recall {size['recall']:.3f}{built}, "
        f"lists made in {size['lists_s'] * 1000:.0f} ms"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recommend", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add: Callable[..., Any] = parser.add_argument
    add("--json", action="store_true", help="print one JSON line")
    add("--sizes", type=numbers, default=[1000, 100_000], help="items, with commas between (1000,100000)")
    add("--http", type=numbers, default=[], help="items of catalogues to recommend from over HTTP, everything running")
    add("--requests", type=int, default=300, help="how often everything is measured (300)")
    exact = ServingSettings().exact_search_items
    add("--exact-up-to", type=int, default=exact, help=f"items that are searched without a graph ({exact})")
    return parser


if __name__ == "__main__":
    main()
