"""What looking item ids up costs: microseconds for those of a ranking, in one question and one by one in a dict.

Between two rankings other processes use the caches; here a large array does, before each question.

examples:
  python -m benchmarks.ids
  python -m benchmarks.ids --items 3000,1000000 --asked 500 --json
"""

import argparse
import json
import time
from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from feature_repo.id_rows import IdRows

ROUNDS, OTHERS = 300, 3_000_000  # questions; numbers that are touched before each


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ids", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", default="3000,100000,1000000", help="catalogues (3000,100000,1000000)")
    parser.add_argument("--asked", type=int, default=100, help="ids of a question (100)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = [measure(int(items), arguments.asked) for items in arguments.items.split(",")]
    print(json.dumps(found) if arguments.json else table(found))


def measure(items: int, asked: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """Median microseconds of both, in turn, and the ratio of the first to the second."""
    ids = [f"item-{number}" for number in range(items)]
    known, rows = {item_id: row for row, item_id in enumerate(ids)}, IdRows()
    rows.lay_out(ids)
    draw, others = np.random.default_rng(0), np.zeros(OTHERS)
    took: dict[str, list[float]] = {"together": [], "dict": []}
    for _ in range(rounds):
        question = [f"item-{number}" for number in draw.integers(0, items, asked).tolist()]
        answers = []
        for name, answer in (
            ("together", rows.rows),
            ("dict", lambda each: np.fromiter(map(known.get, each, repeat(-1)), np.int64)),
        ):
            others += 1
            unique = list(dict.fromkeys(question))  # as every ranking begins, so that hashes are known
            answers.append(_timed(answer, unique, took[name]))
        if not (answers[0] == answers[1]).all():
            raise SystemExit(f"the answers differ: {answers}")
    together, one_by_one = (float(np.median(each)) for each in took.values())
    return {"items": items, "asked": asked, "us": together, "dict_us": one_by_one, "ratio": together / one_by_one}


def table(found: list[dict[str, Any]]) -> str:
    """A line for each catalogue."""
    head = f"{'items':>10}  {'ids':>5}  together us  dict us  ratio"
    line = "{items:>10}  {asked:>5}  {us:>11.1f}  {dict_us:>7.1f}  {ratio:5.2f}"
    return "\n".join([head, *(line.format(**each) for each in found)])


def _timed(answer: Callable[[list[str]], Any], question: list[str], took: list[float]) -> Any:
    started = time.perf_counter()
    found = answer(question)
    took.append((time.perf_counter() - started) * 1e6)
    return found


if __name__ == "__main__":
    main()
