"""Source: items that were met by the same users, or have like texts, as what this user met last.

From the model's lists (feature_repo/neighbours.py); an item without a list, one newer than the model, has its nearest
vectors in their place.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from feature_repo.neighbours import KINDS, Neighbours
from feature_repo.unit import directed
from feature_repo.vocabulary import ACTION_CODE
from serving.candidates.asked import Asked, Within
from serving.candidates.top import top

Array = npt.NDArray[Any]
NAME, SEARCHES = "together", True
LOOKED_AT = 16  # items met last
HALF_LIFE = 8.0  # of these
UNLISTED = 2  # newest items without a list whose vectors are asked, a search each
KIND_WEIGHTS = (1.0, 0.5)  # KINDS: company says more than words


def find(asked: Asked, count: int) -> Array:
    """Rows by falling sum of nearness to what was met, the newer the heavier."""
    kept = asked.met.actions != ACTION_CODE["dismiss"]
    return nearest_to(asked.met.rows[kept][-LOOKED_AT:], asked.within, count)


def nearest_to(rows: Array, within: Within, count: int) -> Array:
    """Rows near these ones, whose last is the most important."""
    weights = np.exp2(-np.arange(len(rows) - 1, -1, -1) / HALF_LIFE)
    listed = _listed(rows, weights, within.table, within.neighbours)
    unlisted = [_by_vectors(row, weight, within, count) for row, weight in _without(rows, weights, within)]
    found = np.concatenate([listed[0], *(each[0] for each in unlisted)])
    near = np.concatenate([listed[1], *(each[1] for each in unlisted)])
    return heaviest(found, near, rows, count)


def heaviest(found: Array, weights: Array, without: Array, count: int) -> Array:
    """Each row once, by falling sum of its weights, but not these."""
    unique, places = np.unique(found, return_inverse=True)
    total = np.bincount(places, weights, len(unique))
    total[np.isin(unique, without)] = 0.0
    order = top(total, count)
    return np.asarray(unique[order][total[order] > 0], np.int64)


def _listed(rows: Array, weights: Array, table: ItemTable, lists: Neighbours | None) -> tuple[Array, Array]:
    """What the lists of these rows name, as rows [m], and how near each is, times the weight of its list [m]."""
    trained = table.column("item_trained")[rows]
    if lists is None or not trained.any():
        return np.zeros(0, np.int64), np.zeros(0)
    places, weights = trained[trained > 0] - 1, weights[trained > 0]
    found = lists.rows[:, places]  # [kinds, m, k]
    scale = np.array(KIND_WEIGHTS[: len(KINDS)])[:, None, None] * weights[:, None]
    near = lists.weights[:, places] * scale
    held = found >= 0
    return table.trained_rows[found[held]], near[held]


def _without(rows: Array, weights: Array, within: Within) -> list[tuple[int, float]]:
    """The newest rows without a list, each with its weight."""
    trained = within.table.column("item_trained")[rows] > 0
    unlisted = np.flatnonzero(~trained if within.neighbours else np.ones(len(rows), bool))[-UNLISTED:]
    return [(int(rows[place]), float(weights[place])) for place in unlisted]


def _by_vectors(row: int, weight: float, within: Within, count: int) -> tuple[Array, Array]:
    direction = directed(within.table.column("item_vectors")[row])
    if direction is None:
        return np.zeros(0, np.int64), np.zeros(0)
    found = within.nearest.search(direction, min(count, 100) + 1)
    return found.rows, np.maximum(found.cosines, 0.0) * weight
