"""Decayed popularity that goes on counting after the cutoff: what a counter in the stream would say."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.baselines.past import Past
from training.cases import Case

Array = npt.NDArray[Any]
SPAN_PER_HALF_LIFE = 20  # the half-life is this fraction of the span of the past


def fit(past: Past) -> "LivePopularity":
    """Count the past, ready to go on with what comes later."""
    return LivePopularity(past.rows, past.times, past.later_rows, past.later_times, past.size)


class LivePopularity:
    """Cases come in time order and see only events strictly before them."""

    def __init__(self, rows: Array, times: Array, later_rows: Array, later_times: Array, size: int) -> None:
        self._half_life = max((times[-1] - times[0]) / SPAN_PER_HALF_LIFE, 1.0)
        self._origin = times[-1]
        self._counts = np.bincount(rows, weights=self._weights(times), minlength=size)
        self._rows, self._times, self._place = later_rows, later_times, 0

    def __call__(self, cases: Sequence[Case]) -> Array:
        return np.stack([self._at(case.timestamp) for case in cases])

    def _at(self, now: int) -> Array:
        until = int(np.searchsorted(self._times, now, "left"))
        if until > self._place:
            newer = slice(self._place, until)
            np.add.at(self._counts, self._rows[newer], self._weights(self._times[newer]))
            self._place = until
        return self._counts.copy()

    def _weights(self, times: Array) -> Array:
        weights: Array = np.exp2((times - self._origin) / self._half_life)
        return weights
