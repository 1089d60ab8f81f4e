"""parquet list columns -> dense arrays, without a Python object per row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]


def scalars(table: pa.Table, name: str, default: Any) -> Array:
    """A column [n]; missing values read as the default."""
    return np.array(table.column(name).combine_chunks().fill_null(default))  # a copy: arrow lends only for reading


def vectors(table: pa.Table, name: str, default: Sequence[float], dtype: Any = np.float32) -> Array:
    """A column of lists of one length [n, len(default)]; missing lists read as the default."""
    column = table.column(name).combine_chunks()
    lengths = np.asarray(column.value_lengths().fill_null(0))
    dense = np.tile(np.asarray(default, dtype), (len(column), 1))
    dense[lengths > 0] = np.asarray(column.flatten(), dtype).reshape(-1, len(default))
    return dense


def right_aligned(column: Any, length: int) -> tuple[Array, Array]:
    """A column of lists -> their last ``length`` numbers [n, length], zeros in front; and how many each has [n]."""
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    offsets, flat = np.asarray(lists.offsets, np.int64), np.asarray(lists.values)
    places = offsets[1:, None] + np.arange(-length, 0)
    held = places >= offsets[:-1, None]
    dense = np.zeros(places.shape, flat.dtype)
    dense[held] = flat[places[held]]
    return dense, np.minimum(np.diff(offsets), length)
