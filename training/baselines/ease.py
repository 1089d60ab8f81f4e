"""Linear weights between items, in closed form (EASE, Steck, 2019): hard to beat where order does not matter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.baselines.past import Past, histories, users_by_items
from training.cases import Case

PENALTY = 500.0  # on the squares of the weights
FAST_ITEMS = 4096  # items x items has to be inverted: cubic in time, square in memory


def fit(past: Past) -> "Ease":
    """Solve for the weights."""
    met = users_by_items(past)
    gram = (met.T @ met).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += PENALTY
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return Ease(weights.astype(np.float32))


class Ease:
    """Weights [n, n] summed over all that a user met."""

    def __init__(self, weights: npt.NDArray[np.float32]) -> None:
        self._weights = weights

    def __call__(self, cases: Sequence[Case]) -> npt.NDArray[Any]:
        scores: npt.NDArray[Any] = histories(cases, len(self._weights)) @ self._weights
        return scores
