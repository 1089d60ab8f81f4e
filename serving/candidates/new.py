"""Source: what was published lately, the newest first."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.candidates.asked import Asked
from serving.candidates.top import top

Array = npt.NDArray[Any]
NAME, SEARCHES = "new", False
COLUMNS = ("item_published_at",)
LATELY = 30 * 86_400_000  # milliseconds


def find(asked: Asked, count: int) -> Array:
    """The list that is kept, which everybody shares."""
    return asked.within.lists.of(NAME, count)


def best(columns: Mapping[str, Array], now_ms: int, count: int) -> Array:
    """Rows by their time of publication, none of the future."""
    published = columns["item_published_at"]
    lately = np.flatnonzero((published > now_ms - LATELY) & (published <= now_ms))
    return np.asarray(lately[top(published[lately], count)], np.int64)
