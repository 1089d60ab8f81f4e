"""Matrix factorisation by alternating least squares on clicks (ALS, Hu, Koren and Volinsky, 2008), by ``implicit``.

A user's factors are solved for again from all that they met before a case (fold-in), so that it knows what is live.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from training.baselines.past import Past, histories, users_by_items
from training.cases import Case

FACTORS, PENALTY, CONFIDENCE, ROUNDS = 64, 0.05, 10.0, 15


def fit(past: Past) -> "Als":
    """Factorise who met what."""
    with threadpool_limits(1, "blas"):  # it has threads of its own, and complains of others
        model = AlternatingLeastSquares(
            factors=FACTORS, regularization=PENALTY, alpha=CONFIDENCE, iterations=ROUNDS, random_state=0
        )
        model.fit(users_by_items(past), show_progress=False)
    return Als(model)


class Als:
    """Factors of items [n, FACTORS], and how to solve for a user's."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.item_factors: npt.NDArray[np.float32] = model.item_factors

    def __call__(self, cases: Sequence[Case]) -> npt.NDArray[Any]:
        met = histories(cases, len(self.item_factors))
        scores: npt.NDArray[Any] = self._model.recalculate_user(np.arange(len(cases)), met) @ self.item_factors.T
        return scores
