"""What a user met lately + lists of each item's nearest items -> how near candidates are to it, by kind of nearness.

The lists are a model's own: made from its snapshot, kept in its bundle, read by training and serving through this file.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

KINDS: Final = ("together", "text")  # met by the same users; of like texts
SPANS: Final = (0.2, 16.0)  # half-lives in entries: the newest alone, and the whole of what is remembered
NEAR: Final = len(KINDS) * len(SPANS)  # numbers per candidate
_EACH_SPAN: Final = np.arange(len(SPANS))[:, None]


class Neighbours(NamedTuple):
    """The nearest items of each of n items, for each of KINDS; rows are places among the n."""

    rows: Array  # [kinds, n, k] int32, -1 where there is none
    weights: Array  # [kinds, n, k] float32, above 0 and at most 1


class Sought(NamedTuple):
    """Candidates, ready to be found among the nearest items of what somebody met."""

    neighbours: Neighbours
    candidates: Array  # [N] rows, -1 where unknown
    place: Array  # [n + 1] of each item among the candidates, from 1; the last is "unknown" or "none"


def sought(neighbours: Neighbours, candidates: Array) -> Sought:
    """The part of ``nearness`` that can be done before it is known what was met."""
    place = np.zeros(neighbours.rows.shape[1] + 1, np.int32)
    place[candidates] = np.arange(1, len(candidates) + 1)
    place[-1] = 0
    return Sought(neighbours, candidates, place)


def nearness(neighbours: Neighbours | None, history: Array, candidates: Array) -> Array:
    """Rows met [h], the newest last, and rows of candidates [N], -1 where unknown -> [N, NEAR] float32, from 0 to 1.

    The mean nearness of a candidate to what was met, weighted by 2 ** -(entries since / span); kinds by spans.
    """
    if neighbours is None:
        return np.zeros((len(candidates), NEAR), np.float32)
    return nearness_of(sought(neighbours, candidates), history)


def nearness_of(sought: Sought, history: Array) -> Array:
    """The same of candidates that were got ready."""
    neighbours, candidates, place = sought
    known = history >= 0
    if known.all():
        met, shares = history, _shares(len(history))
    else:
        met, shares = history[known], _shares(len(history))[:, : len(history)][:, known]
        shares = np.tile(shares / shares.sum(1, keepdims=True), len(KINDS))
    if not len(met):
        return np.zeros((len(candidates), NEAR), np.float32)
    at = place.take(neighbours.rows.take(met, 1)).ravel()
    (hits,) = (at > 0).nonzero()  # few; booleans are read six times as fast as numbers
    lists = hits // neighbours.rows.shape[2]  # kind by kind, entry by entry
    weights = neighbours.weights.take(met, 1).ravel().take(hits) * shares.take(lists, 1)  # [spans, hits]
    target = at.take(hits) * NEAR + lists // len(met) * len(SPANS) + _EACH_SPAN
    found = np.bincount(target.ravel(), weights.ravel(), (len(candidates) + 1) * NEAR)
    return found.reshape(-1, NEAR).astype(np.float32).take(place.take(candidates), 0)


@cache
def _shares(length: int) -> Array:
    """What each of so many entries counts, the newest last, in all 1; once for each kind: [spans, kinds * length]."""
    shares = np.exp2(-np.arange(length - 1, -1, -1) / np.array(SPANS)[:, None])
    return np.tile(shares / shares.sum(1, keepdims=True), len(KINDS))


def write_neighbours(path: Path, neighbours: Neighbours) -> None:
    """Keep them in one file."""
    np.savez(path, rows=neighbours.rows, weights=neighbours.weights)


def read_neighbours(path: Path) -> Neighbours:
    """Those of a file; raises OSError or ValueError where it is none."""
    with np.load(path) as arrays:
        return Neighbours(arrays["rows"], arrays["weights"])
