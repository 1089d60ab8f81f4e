"""Several orders of things -> one: reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009). Pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FLAT: Final = 60  # how little the first places differ: the paper's number


class Fused(NamedTuple):
    """Rows by falling score."""

    rows: Array  # [n], each once
    scores: Array  # [n] from 0 to 1: 1 is first everywhere
    sources: list[str]  # [n] the order in which it stands highest


def fuse(orders: Mapping[str, Array]) -> Fused:
    """Rows of each order, best first and each once, scored by the sum of 1 / (FLAT + place)."""
    found = np.concatenate([np.zeros(0, np.int64), *orders.values()])
    places = np.concatenate([np.zeros(0), *(np.arange(1, len(order) + 1) for order in orders.values())])
    names = np.repeat(np.arange(len(orders)), [len(order) for order in orders.values()])
    rows, at = np.unique(found, return_inverse=True)
    scores = np.bincount(at, 1 / (FLAT + places), len(rows)) * (FLAT + 1) / max(len(orders), 1)
    highest = np.lexsort((names, places, at))[np.searchsorted(np.sort(at), np.arange(len(rows)))]
    order = np.argsort(-scores, kind="stable")
    listed = list(orders)
    return Fused(rows[order], scores[order], [listed[names[place]] for place in highest[order].tolist()])
