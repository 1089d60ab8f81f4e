"""scores of a catalogue and the item that came -> rank -> NDCG, recall, precision, MRR, MAP."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
CUT = 10  # places of a ranking that count


def rank(scores: Array, target: int, seen: Array) -> float:
    """The place of the target (1 = first) among unseen items; ties in the order of rows, infinity if it cannot be."""
    if target < 0 or target in seen:
        return np.inf
    allowed = np.ones(len(scores), bool)
    allowed[seen] = False
    mine = scores[target]
    return float(1 + (scores[allowed] > mine).sum() + (scores[:target][allowed[:target]] == mine).sum())


def ranks(scores: Array, targets: Array) -> Array:
    """``rank`` of many cases at once: scores [cases, n] are -inf where an item was seen, targets [cases] rows or -1."""
    mine = scores[np.arange(len(scores)), targets][:, None]
    earlier = np.arange(scores.shape[1])[None] < targets[:, None]
    places = 1.0 + (scores > mine).sum(1) + ((scores == mine) & earlier).sum(1)
    return np.where((targets >= 0) & np.isfinite(mine[:, 0]), places, np.inf)


def top(scores: Array, count: int) -> Array:
    """The rows of the best ``count`` items of scores [n], best first, ties by row; seen ones (-inf) never."""
    count = min(count, len(scores))
    places = np.flatnonzero((scores >= np.partition(scores, -count)[-count]) & np.isfinite(scores))
    best: Array = places[np.argsort(-scores[places], kind="stable")][:count]
    return best


def ndcg(places: Array, cut: int = CUT) -> Array:
    """Normalized discounted gain of rankings with one relevant item each, at these ranks: 1 / log2(1 + rank)."""
    gains: Array = np.where(places <= cut, 1 / np.log2(places + 1), 0.0)
    return gains


def summary(found: Sequence[float] | Array) -> dict[str, float]:
    """Means over some ranks, one relevant item each: then MAP is MRR, here cut at CUT, and precision recall / CUT."""
    places = np.asarray(found, np.float64)
    gains, hits = ndcg(places), places <= CUT
    return {
        f"ndcg@{CUT}": float(gains.mean()),
        f"ndcg@{CUT}_se": float(gains.std() / np.sqrt(len(gains))),
        f"recall@{CUT}": float(hits.mean()),
        f"precision@{CUT}": float(hits.mean() / CUT),
        f"map@{CUT}": float(np.where(hits, 1 / places, 0.0).mean()),
        "mrr": float((1 / places).mean()),
        "cases": len(places),
    }
