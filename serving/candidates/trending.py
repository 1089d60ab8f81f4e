"""Source: what is wanted more in this hour than its week lets expect."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.vocabulary import HALF_LIVES
from serving.candidates.asked import Asked
from serving.candidates.popular import demand
from serving.candidates.top import top

Array = npt.NDArray[Any]
NAME, SEARCHES = "trending", False
COLUMNS = ("item_actions_1h", "item_actions_7d", "item_activity_at")
LEAST = 1.0  # standard deviations above what was expected
_SHARE = HALF_LIVES["1h"] / HALF_LIVES["7d"]  # of a steady item's week that is in its hour


def find(asked: Asked, count: int) -> Array:
    """The list that is kept, which everybody shares."""
    return asked.within.lists.of(NAME, count)


def best(columns: Mapping[str, Array], now_ms: int, count: int) -> Array:
    """Rows by falling surprise, those of at least LEAST."""
    surge = surprise(demand(columns, "1h", now_ms), demand(columns, "7d", now_ms))
    ranked = top(surge, count)
    return ranked[surge[ranked] >= LEAST]


def surprise(hour: Array, week: Array) -> Array:
    """How far the hour's demand [n] is above its share of the week's, in standard deviations of a Poisson count.

    One more expected event keeps a single click on an item that nobody knew from being the greatest surprise.
    """
    expected = np.maximum(week, 0.0) * _SHARE
    return np.asarray((hour - expected) / np.sqrt(expected + 1.0))
