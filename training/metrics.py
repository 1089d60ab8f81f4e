"""scores of a catalogue and the item that came -> rank -> NDCG, recall, MRR."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

CUT = 10  # places of a ranking that count


def rank(scores: npt.NDArray[Any], target: int, seen: npt.NDArray[Any]) -> float:
    """The place of the target (1 = first) among unseen items; ties in the order of rows, infinity if it cannot be."""
    if target < 0 or target in seen:
        return np.inf
    allowed = np.ones(len(scores), bool)
    allowed[seen] = False
    mine = scores[target]
    return float(1 + (scores[allowed] > mine).sum() + (scores[:target][allowed[:target]] == mine).sum())


def summary(ranks: Sequence[float]) -> dict[str, float]:
    """NDCG@10 with its standard error, recall@10 and MRR of some ranks; one relevant item each."""
    places = np.asarray(ranks, np.float64)
    gains = np.where(places <= CUT, 1 / np.log2(places + 1), 0.0)
    return {
        f"ndcg@{CUT}": float(gains.mean()),
        f"ndcg@{CUT}_se": float(gains.std() / np.sqrt(len(gains))),
        f"recall@{CUT}": float((places <= CUT).mean()),
        "mrr": float((1 / places).mean()),
        "cases": len(places),
    }
