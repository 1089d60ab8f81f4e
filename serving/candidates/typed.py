"""Source: items whose vectors are near that of what the user typed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.unit import directed
from serving.candidates.asked import Asked

NAME, SEARCHES = "query", True


def find(asked: Asked, count: int) -> npt.NDArray[Any]:
    """The nearest rows; none where nothing was typed."""
    direction = None if asked.query is None else directed(asked.query)
    return np.zeros(0, np.int64) if direction is None else asked.within.nearest.search(direction, count).rows
