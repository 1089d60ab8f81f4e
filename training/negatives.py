"""Labels -> the items each positive has to beat, with the probability of having been drawn."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def proposal(counts: Array, popular: float) -> Array:
    """The probability [n] of drawing each item: ``popular`` of it by its count, the rest uniform."""
    uniform = np.full(len(counts), 1 / len(counts))
    total = counts.sum()
    return uniform if total == 0 else popular * counts / total + (1 - popular) * uniform


def draw(positives: Array, probabilities: Array, negatives: int, seed: int) -> tuple[Array, Array]:
    """Rows [n, 1 + negatives] of items, the positive first, and the log of their expected draws (0 for the positive).

    Subtracting that log from a negative's score makes the softmax over the sample estimate the one over the catalogue
    (Bengio and Senécal, 2008). A draw that hits the positive is drawn again.
    """
    generator = np.random.default_rng(seed)
    ends = np.cumsum(probabilities) / probabilities.sum()
    drawn = np.searchsorted(ends, generator.random((len(positives), negatives)))
    while len(probabilities) > 1 and (hits := drawn == positives[:, None]).any():
        drawn[hits] = np.searchsorted(ends, generator.random(int(hits.sum())))
    others = np.log1p(-np.minimum(probabilities[positives], 1 - 1e-9))[:, None]  # the positive is not among the draws
    log_draws = np.log(np.maximum(negatives * probabilities, 1e-12))[drawn] - others
    zeros = np.zeros((len(positives), 1))
    return np.concatenate([positives[:, None], drawn], 1), np.concatenate([zeros, log_draws], 1).astype(np.float32)
