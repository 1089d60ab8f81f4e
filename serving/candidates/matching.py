"""Beside the sources: where a filter leaves too little of what they found, what it holds for in the whole catalogue."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.candidates.asked import Asked
from serving.candidates.exact import inverse_lengths
from serving.candidates.popular import COLUMNS, demand
from serving.candidates.top import top
from serving.candidates.user_vector import unit

Array = npt.NDArray[Any]
NAME = "filter"
AT_ONCE = 20_000  # items whose filter takes less than a millisecond


def find(asked: Asked, count: int, accept: Callable[[Array], Array]) -> Array:
    """Accepted rows: nearest to what was typed, else to the user, else the most popular."""
    table = asked.within.table
    rows = np.arange(len(table))
    rows = rows[accept(rows)]
    direction = asked.user if asked.query is None else unit(asked.query)
    if direction is None:
        columns = {name: table.column(name)[rows] for name in COLUMNS}
        return rows[top(demand(columns, "1d", asked.now_ms), count)]
    vectors = table.column("item_vectors")[rows]
    return rows[top((vectors @ direction) * inverse_lengths(vectors), count)]
