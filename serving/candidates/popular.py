"""Source: what people wanted most lately: the live counters of a day, each action by its weight."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.inputs import ACTIVITY_TTL_MS
from feature_repo.vocabulary import ACTIONS, HALF_LIVES
from serving.candidates.asked import Asked
from serving.candidates.top import top

Array = npt.NDArray[Any]
NAME, SEARCHES = "popular", False
COLUMNS = ("item_actions_1d", "item_activity_at", "item_published_at")
WEIGHTS = {"view": 0.2, "click": 1.0, "like": 2.0, "cart": 3.0, "purchase": 5.0, "rating": 1.0, "dismiss": -1.0}
_WEIGHTS = np.array([WEIGHTS.get(action, 0.0) for action in ACTIONS])


def find(asked: Asked, count: int) -> Array:
    """The list that is kept, which everybody shares."""
    return asked.within.lists.of(NAME, count)


def best(columns: Mapping[str, Array], now_ms: int, count: int) -> Array:
    """Rows by falling popularity; those that nobody wanted come last, the newest first."""
    wanted = demand(columns, "1d", now_ms)
    if (wanted > 0).sum() >= count:
        return top(wanted, count)
    return np.lexsort((-columns["item_published_at"], -wanted))[:count]


def demand(columns: Mapping[str, Array], window: str, now_ms: int) -> Array:
    """The weighted counters of a window, read now [n]."""
    age = np.maximum(now_ms - columns["item_activity_at"], 0)
    wanted = (columns[f"item_actions_{window}"] @ _WEIGHTS) * np.exp2(-age / HALF_LIVES[window])
    return np.where(age > ACTIVITY_TTL_MS, 0.0, wanted)
