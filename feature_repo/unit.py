"""Vectors -> the same directions, of length one."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def unit(vectors: Array) -> Array:
    """Vectors [..., D] of length one; zeros stay zeros."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12), vectors.dtype)


def directed(vector: Array) -> Array | None:
    """A vector [D] of length one; None where it is zero."""
    return unit(vector) if vector.any() else None
