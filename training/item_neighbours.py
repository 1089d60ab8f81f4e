"""Interactions and text vectors -> the nearest items of each item (feature_repo.neighbours)."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from feature_repo.neighbours import Neighbours

Array = npt.NDArray[Any]

KEPT = 100  # nearest items of an item
PART = 1024  # items a pass


def item_neighbours(users: Array, items: Array, text: Array) -> Neighbours:
    """Of n items: ``users`` and ``items`` (rows) of interactions [e], and text vectors [n, k] -> KEPT of each kind."""
    rows, weights = zip(together(users, items, len(text)), alike(text), strict=True)
    return Neighbours(np.stack(rows), np.stack(weights))


def together(users: Array, items: Array, size: int) -> tuple[Array, Array]:
    """Who was met by the same users: cosine of TF-IDF weighted rows of users (Deshpande and Karypis, 2004)."""
    met = sp.csr_matrix((np.ones(len(items), np.float32), (items, users)), (size, int(users.max(initial=0)) + 1))
    met.data[:] = 1.0  # a repeat counts once
    rarity = np.log(size) - np.log1p(np.bincount(met.indices, minlength=met.shape[1]))
    weighted = met @ sp.diags(np.maximum(rarity, 0.0).astype(np.float32))
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    unit = (sp.diags(1 / np.maximum(norms, 1e-12)) @ weighted).tocsr()
    return _nearest(lambda start, end: (unit[start:end] @ unit.T).toarray(), size)


def alike(text: Array) -> tuple[Array, Array]:
    """Whose texts are alike: the cosine of vectors, from the catalogue's mean on."""
    centred = text - text.mean(0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return _nearest(lambda start, end: unit[start:end] @ unit.T, len(text))


def _nearest(similar: Any, size: int) -> tuple[Array, Array]:
    """``similar(start, end)`` [end - start, size] -> the KEPT largest of each row, its own left out."""
    kept = min(KEPT, max(size - 1, 1))
    rows, weights = np.full((size, kept), -1, np.int32), np.zeros((size, kept), np.float32)
    for start in range(0, size, PART):
        part = similar(start, min(start + PART, size))
        part[np.arange(len(part)), np.arange(start, start + len(part))] = 0.0
        best = np.argpartition(-part, kept - 1, axis=1)[:, :kept]
        values = np.take_along_axis(part, best, 1)
        held = values > 1e-6
        rows[start : start + len(part)] = np.where(held, best, -1)
        weights[start : start + len(part)] = np.where(held, np.minimum(values, 1.0), 0.0)
    return rows, weights
