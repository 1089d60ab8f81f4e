"""The vectors of the item table, searched one by one: exact, and fast enough for small catalogues."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from serving.candidates.top import top

Array = npt.NDArray[Any]
_OUT = -2.0  # below every cosine


class Found(NamedTuple):
    """Rows of the item table, the nearest first."""

    rows: Array  # [n]
    cosines: Array  # [n]


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0, np.float32))


def search(vectors: Array, inverse: Array, allowed: Array, direction: Array, count: int) -> Found:
    """The ``count`` nearest of n vectors [n, D] to a direction [D] of length one, by their cosine.

    ``inverse`` [n] is one over their lengths, ``allowed`` [n] says which may be found.
    """
    cosines = np.where(allowed, (vectors @ direction) * inverse, _OUT)
    rows = top(cosines, count)
    rows = rows[cosines[rows] > _OUT]
    return Found(rows, cosines[rows])


def inverse_lengths(vectors: Array) -> Array:
    """One over the length of each vector [n, D]; 0 where that is zero."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0))
