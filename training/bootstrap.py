"""Values of cases and whose they are -> means with the interval that resampled users give (Efron, 1979).

Cases of one user are not independent, so users are drawn, with replacement, and all their cases come along.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
RESAMPLES, LEVEL, SEED = 1000, 0.95, 0
CELLS = 2_000_000  # numbers of a chunk of resamples (memory)


def interval(values: Array, users: Array) -> dict[str, Any]:
    """The mean of values [cases] as ``{"value", "low", "high"}``; the bounds are None for less than two users."""
    return intervals(values[:, None], users)[0]


def intervals(values: Array, users: Array) -> list[dict[str, Any]]:
    """``interval`` of each column of values [cases, k], all on the same resamples; ``users`` [cases] are any ids."""
    owners, owner = np.unique(users, return_inverse=True)
    means = values.mean(0)
    if len(owners) < 2:
        return [{"value": float(mean), "low": None, "high": None} for mean in means]
    found = resampled_means(values, owner, len(owners))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [
        {"value": float(mean), "low": float(least), "high": float(most)}
        for mean, least, most in zip(means, low, high, strict=True)
    ]


def resampled_means(values: Array, owner: Array, owners: int) -> Array:
    """Means over the cases of each resample [RESAMPLES, k]."""
    counts = np.bincount(owner, minlength=owners)
    sums = np.stack([np.bincount(owner, weights=column, minlength=owners) for column in values.T], 1)
    together = np.column_stack([sums, counts])  # [owners, k + 1]
    drawn = np.concatenate([times @ together for times in draws(owners)])
    return np.asarray(drawn[:, :-1] / drawn[:, -1:])


def draws(owners: int) -> Iterator[Array]:
    """How often each owner is drawn [some resamples, owners], as many resamples at a time as memory takes."""
    draw, some = np.random.default_rng(SEED), max(1, CELLS // owners)
    for start in range(0, RESAMPLES, some):
        rows = min(some, RESAMPLES - start)
        drawn = draw.integers(0, owners, (rows, owners)) + owners * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * owners).reshape(rows, owners).astype(float)
