"""Beside the sources: where a filter leaves too little of what they found, all of the catalogue it holds for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from feature_repo.unit import directed
from serving.candidates.asked import Asked
from serving.candidates.exact import inverse_lengths
from serving.candidates.popular import COLUMNS, demand
from serving.candidates.top import top

Array = npt.NDArray[Any]
NAME = "catalogue"
AT_ONCE = 20_000  # items whose filter takes less than a millisecond


def find(asked: Asked, count: int, accept: Callable[[Array], Array]) -> Array:
    """Accepted rows: nearest to what was typed, else to the user, else the most popular."""
    direction = asked.user if asked.query is None else directed(asked.query)
    if direction is not None:
        return nearest(asked.within.table, direction, count, accept)
    table = asked.within.table
    rows = accepted(table, accept)
    columns = {name: table.column(name)[rows] for name in COLUMNS}
    return rows[top(demand(columns, "1d", asked.now_ms), count)]


def nearest(table: ItemTable, direction: Array, count: int, accept: Callable[[Array], Array]) -> Array:
    """Accepted rows by falling cosine with a direction [VECTOR_SIZE]."""
    rows = accepted(table, accept)
    vectors = table.column("item_vectors")[rows]
    return rows[top((vectors @ direction) * inverse_lengths(vectors), count)]


def accepted(table: ItemTable, accept: Callable[[Array], Array]) -> Array:
    """All rows of the table that are."""
    rows = np.arange(len(table))
    return rows[accept(rows)]
