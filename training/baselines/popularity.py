"""How often each item was met before the cutoff, the same for everybody."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.baselines.past import Past
from training.cases import Case


def fit(past: Past) -> "Popularity":
    """Count the past."""
    return Popularity(np.bincount(past.rows, minlength=past.size).astype(float))


class Popularity:
    """Counts [n] as scores."""

    def __init__(self, counts: npt.NDArray[Any]) -> None:
        self._counts = counts

    def __call__(self, cases: Sequence[Case]) -> npt.NDArray[Any]:
        return np.tile(self._counts, (len(cases), 1))
