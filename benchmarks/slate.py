"""What the stages of each surface cost: microseconds for 100 candidates, stage by stage.

examples:
  python -m benchmarks.slate
  python -m benchmarks.slate --candidates 500 --json
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.item_table import ItemTable
from feature_repo.vocabulary import ACTION_CODE, HISTORY_LENGTH, VECTOR_SIZE
from serving.slate.expression import parse
from serving.slate.run import apply
from serving.slate.slate import Array, Given, Served, Slate, Stage, by_score
from serving.slate.surfaces import DEFAULT, load

ITEMS, SERVED, ROUNDS = 10_000, 100, 300
NOW, HOUR = 1_750_000_000_000, 3_600_000
FILTER = 'price < 40 and brand in ["b1", "b2", "b3"] or "c1" in categories'


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.slate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=100, help="scored items (100)")
    parser.add_argument("--k", type=int, default=10, help="items on a page (10)")
    parser.add_argument("--slate", type=Path, default=DEFAULT, help="stages of surfaces (serving/slate.yaml)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if not 1 <= arguments.candidates <= ITEMS:
        parser.error(f"--candidates is a number from 1 to {ITEMS}")
    report = measure(arguments.candidates, arguments.k, arguments.slate)
    print(json.dumps(report) if arguments.json else table(report))


def measure(candidates: int, k: int, path: Path = DEFAULT, rounds: int = ROUNDS) -> dict[str, Any]:
    """Median microseconds by surface: as it is, with a filter and a diversity in the request, and by stage."""
    draw = np.random.default_rng(0)
    items, rows = catalogue(draw), draw.choice(ITEMS, candidates, replace=False)
    scores = draw.normal(size=candidates).astype(np.float32)
    user = history(draw), Served(draw.choice(ITEMS, SERVED), np.full(SERVED, NOW - HOUR // 4))
    plain = Given(items, rows, NOW, k, 0, None, (), None, *user)
    asking = Given(items, rows, NOW, k, 0, parse(FILTER), (), 0.3, *user)
    surfaces = {}
    for name, stages in load(path).surfaces.items():
        surfaces[name] = {
            "plain_us": median(partial(run, stages, scores, plain), rounds),
            "filter_and_diversity_us": median(partial(run, stages, scores, asking), rounds),
            "stages_us": {
                str(stage.__struct_config__.tag): median(partial(run, [stage], scores, plain), rounds)
                for stage in stages
            },
        }
    sorting = median(partial(by_score, scores), rounds)
    return {"candidates": candidates, "k": k, "sorting_us": sorting, "surfaces": surfaces}


def run(stages: Sequence[Stage], scores: Array, given: Given) -> Slate:
    return apply(stages, by_score(scores), given)


def median(once: Callable[[], Any], rounds: int) -> float:
    """Median microseconds of a call."""
    once()
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        once()
        took.append(time.perf_counter() - started)
    return round(float(np.median(took)) * 1e6, 1)


def catalogue(draw: np.random.Generator) -> ItemTable:
    """Items of nine brands and twelve categories, the newest published now."""
    table = ItemTable()
    for i in range(ITEMS):
        row = {
            "item_categories": [f"c{i % 7}", f"d{i % 5}"],
            "item_attributes": [f"brand=b{i % 9}", f"price={i % 50}.5"],
            "item_published_at": NOW - i * HOUR,
        }
        table.put_content(str(i), row)
    table.put_vectors(table.ids, draw.normal(size=(ITEMS, VECTOR_SIZE)).astype(np.float32))
    return table


def history(draw: np.random.Generator) -> dict[str, Any]:
    """A full one."""
    return {
        "history_item_ids": [str(item) for item in draw.choice(ITEMS, HISTORY_LENGTH)],
        "history_actions": draw.choice(list(ACTION_CODE.values()), HISTORY_LENGTH).tolist(),
        "history_timestamps": [NOW - HOUR] * HISTORY_LENGTH,
    }


def table(report: dict[str, Any]) -> str:
    lines = [f"{report['candidates']} candidates, a page of {report['k']}; microseconds, median"]
    for name, cost in report["surfaces"].items():
        stages = ", ".join(f"{stage} {took:.0f}" for stage, took in cost["stages_us"].items())
        lines.append(
            f"{name:<10} {cost['plain_us']:>6.0f}   asked for more {cost['filter_and_diversity_us']:>6.0f}   {stages}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
