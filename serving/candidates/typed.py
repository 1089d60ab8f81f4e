"""Source: items whose vectors are near that of what the user typed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from serving.candidates.asked import Asked
from serving.candidates.user_vector import unit

NAME, SEARCHES = "query", True


def find(asked: Asked, count: int) -> npt.NDArray[Any]:
    """The nearest rows; none where nothing was typed."""
    direction = None if asked.query is None else unit(asked.query)
    return np.zeros(0, np.int64) if direction is None else asked.within.nearest.search(direction, count).rows
