"""Item-kNN and text kNN together: what any model that reads both behaviour and text must beat."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.baselines import item_knn, text_knn
from training.baselines.item_knn import ItemKNN
from training.baselines.past import Past
from training.baselines.text_knn import TextKNN
from training.cases import Case

Array = npt.NDArray[Any]
TEXT_SHARE = 0.5


def fit(past: Past) -> "Hybrid":
    """Fit both parts."""
    return Hybrid(item_knn.fit(past), text_knn.fit(past))


class Hybrid:
    """The scores of both parts, each as a share of the best unseen item's."""

    def __init__(self, behaviour: ItemKNN, text: TextKNN) -> None:
        self._behaviour, self._text = behaviour, text

    def __call__(self, cases: Sequence[Case]) -> Array:
        behaviour, text = _shares(self._behaviour(cases), cases), _shares(self._text(cases), cases)
        return (1 - TEXT_SHARE) * behaviour + TEXT_SHARE * text


def _shares(scores: Array, cases: Sequence[Case]) -> Array:
    for row, case in zip(scores, cases, strict=True):
        row[case.seen] = 0.0
    shares: Array = scores / np.maximum(scores.max(1, keepdims=True), 1e-9)
    return shares
