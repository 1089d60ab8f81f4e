"""What a scorer puts on top -> how much of the catalogue it shows, how surprising, how various, how popular."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def breadth(tops: Sequence[Array], counts: Array, vectors: Array) -> dict[str, float]:
    """Of lists of rows: coverage, novelty (bits), diversity, mean training events (``counts`` [n]) and Gini.

    ``vectors`` [n, D] say how alike two items are.
    """
    shown = np.concatenate(tops).astype(np.int64)
    times = np.bincount(shown, minlength=len(counts))
    return {
        "coverage": float((times > 0).mean()),
        "novelty": float(surprise(counts)[shown].mean()),
        "diversity": diversity(tops, vectors),
        "popularity": float(counts[shown].mean()),
        "gini": gini(times),
    }


def surprise(counts: Array) -> Array:
    """Bits of each item: -log2 of its share of the events, one added to every count (Zhou et al., 2010)."""
    bits: Array = -np.log2((counts + 1) / (counts.sum() + len(counts)))
    return bits


def diversity(tops: Sequence[Array], vectors: Array) -> float:
    """1 - cosine over the pairs of a list, on average over lists of two or more (Ziegler et al., 2005)."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    found = [_unlike(unit[rows]) for rows in tops if len(rows) > 1]
    return float(np.mean(found)) if found else float("nan")


def _unlike(unit: Array) -> float:
    size, total = len(unit), unit.sum(0)
    alike = total @ total - (unit * unit).sum()  # over ordered pairs of different items
    return float(1 - alike / (size * (size - 1)))


def gini(times: Array) -> float:
    """How unevenly some counts are spread: 0 all alike, near 1 all on one (Gini, 1912)."""
    ordered = np.sort(times).astype(float)
    places = np.arange(1, len(ordered) + 1)
    return float((2 * places - len(ordered) - 1) @ ordered / (len(ordered) * max(ordered.sum(), 1.0)))
