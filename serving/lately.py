"""What a user met last -> where that points in the space of item vectors, without an inference.

The ranker's own term for what came lately, at the values it starts from (training/recency.py).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from feature_repo.unit import unit

Array = npt.NDArray[Any]
HALF_LIVES: Final = np.array((0.5, 4.0, 20.0))  # entries of the history
PULL: Final = np.array((3.0, 1.0, 1.0), np.float32)  # what a cosine with each mean adds to a score


def means(vectors: Array) -> Array:
    """The m vectors met last [m, D], the newest at the end -> means of their directions over each span [spans, D]."""
    since = np.arange(len(vectors) - 1, -1, -1)
    weights = np.exp2(-since / HALF_LIVES[:, None])  # [spans, m]
    return np.asarray(weights @ unit(vectors) / np.maximum(weights.sum(-1, keepdims=True), 1e-6), np.float32)


def taste(vectors: Array) -> Array:
    """These means by their worth [D]; zeros where nothing was met."""
    return np.asarray(PULL @ means(vectors))
