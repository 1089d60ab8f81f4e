"""Numbers -> the places of the largest ones."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def top(values: Array, count: int) -> Array:
    """Places of the ``count`` largest values, the largest first; of equal ones the first."""
    chosen = np.argpartition(-values, count - 1)[:count] if 0 < count < len(values) else np.arange(len(values))[:count]
    return np.asarray(chosen[np.lexsort((chosen, -values[chosen]))], np.int64)
