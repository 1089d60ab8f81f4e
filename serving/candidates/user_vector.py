"""What a user met -> one direction in the space of item vectors, to look along for what is like it.

The ranker's own term for what came lately (training/recency.py, at the values it starts from): means of unit vectors
over three spans of the history, the newer the heavier, summed by their worth. No inference is needed for it.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from feature_repo.vocabulary import ACTION_CODE
from serving.candidates.met import Met

Array = npt.NDArray[Any]
HALF_LIVES: Final = np.array((0.5, 4.0, 20.0))  # entries
WORTH: Final = np.array((3.0, 1.0, 1.0))
_AGAINST: Final = ACTION_CODE["dismiss"]


def user_vector(met: Met, table: ItemTable) -> Array | None:
    """The direction [VECTOR_SIZE], of length one; None where nothing is known of the user."""
    liked = (met.actions != _AGAINST) & table.column("item_encoded")[met.rows]
    rows = met.rows[liked]
    if not len(rows):
        return None
    since = np.arange(len(rows) - 1, -1, -1)[:, None]
    shares = np.exp2(-since / HALF_LIVES)  # [m, spans]
    weights = (shares / shares.sum(0)) @ WORTH
    return unit(weights @ units(table.column("item_vectors")[rows]))


def units(vectors: Array) -> Array:
    """Vectors [n, D] of length one; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def unit(vector: Array) -> Array | None:
    """A vector [D] of length one; None where it is zero."""
    return units(vector[None])[0] if vector.any() else None
