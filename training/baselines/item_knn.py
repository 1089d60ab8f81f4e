"""The items whose users are those of what a user met: TF-IDF, cosine (Deshpande and Karypis, 2004)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from training.baselines.past import Past, histories, users_by_items
from training.cases import Case

NEIGHBOURS = 200  # per item
CELLS = 8_000_000  # similarities that are looked through at once, at most (memory)


def fit(past: Past) -> "ItemKNN":
    """Find the neighbours of every item."""
    met = users_by_items(past).T.tocsr()  # [n, users]
    rarity = np.log(past.size) - np.log1p(np.bincount(met.indices, minlength=met.shape[1]))
    return ItemKNN(nearest(of_length_one(met @ sp.diags(rarity)), NEIGHBOURS))


class ItemKNN:
    """The sum of the similarities [n, n] to all that a user met."""

    def __init__(self, similar: sp.csr_matrix) -> None:
        self._similar = similar

    def __call__(self, cases: Sequence[Case]) -> npt.NDArray[Any]:
        scores: npt.NDArray[Any] = (histories(cases, self._similar.shape[0]) @ self._similar).toarray()
        return scores


def of_length_one(rows: sp.csr_matrix) -> sp.csr_matrix:
    """Rows scaled to Euclidean length one; empty ones stay empty."""
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
    return (sp.diags(1 / np.maximum(norms, 1e-12)) @ rows).tocsr()


def nearest(rows: sp.csr_matrix, count: int) -> sp.csr_matrix:
    """Products of all rows [n, n], the ``count`` greatest of each row."""
    step = max(1, CELLS // rows.shape[0])
    blocks = [_nearest(rows[start : start + step] @ rows.T, count) for start in range(0, rows.shape[0], step)]
    return sp.vstack(blocks).tocsr()


def _nearest(products: sp.csr_matrix, count: int) -> sp.csr_matrix:
    products = products.tocsr()
    for start, end in zip(products.indptr[:-1], products.indptr[1:], strict=True):
        if end - start > count:
            row = products.data[start:end]
            row[row < np.partition(row, -count)[-count]] = 0.0
    products.eliminate_zeros()
    return products
