"""The same cases by simpler means: popularity, live popularity, item-kNN. Scores of the whole catalogue per case."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from training.cases import Case

Array = npt.NDArray[Any]
Scorer = Callable[[Case], Array]

NEIGHBOURS = 200
SPAN_PER_HALF_LIFE = 20  # the half-life of live popularity is this fraction of the training span


def popularity(rows: Array, size: int) -> Scorer:
    """How often each item [size] was met before the cutoff."""
    counts = np.bincount(rows, minlength=size).astype(float)
    return lambda case: counts


class LivePopularity:
    """Decayed popularity that goes on counting; cases come in time order and see only events strictly before them."""

    def __init__(self, rows: Array, times: Array, later_rows: Array, later_times: Array, size: int) -> None:
        self._half_life = max((times[-1] - times[0]) / SPAN_PER_HALF_LIFE, 1.0)
        self._origin = times[-1]
        self._counts = np.bincount(rows, weights=self._weights(times), minlength=size)
        self._rows, self._times, self._place = later_rows, later_times, 0

    def __call__(self, case: Case) -> Array:
        until = int(np.searchsorted(self._times, case.timestamp, "left"))
        if until > self._place:
            newer = slice(self._place, until)
            np.add.at(self._counts, self._rows[newer], self._weights(self._times[newer]))
            self._place = until
        return self._counts

    def _weights(self, times: Array) -> Array:
        weights: Array = np.exp2((times - self._origin) / self._half_life)
        return weights


def item_knn(users: Array, rows: Array, size: int) -> Scorer:
    """The items nearest to all a user met: TF-IDF, cosine, NEIGHBOURS per item (Deshpande and Karypis, 2004)."""
    met = sp.csr_matrix((np.ones(len(rows)), (rows, users)), (size, int(users.max()) + 1))  # [items, users]
    met.data[:] = 1.0
    rarity = np.log(size) - np.log1p(np.bincount(met.indices, minlength=met.shape[1]))
    weighted = met @ sp.diags(rarity)
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    weighted = sp.diags(1 / np.maximum(norms, 1e-12)) @ weighted
    similar = (weighted @ weighted.T).toarray()
    if size > NEIGHBOURS:
        weakest = np.partition(similar, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS]
        similar[similar < weakest[:, None]] = 0.0
    return lambda case: np.asarray(similar[case.seen].sum(0))
