"""What was learned of known items beyond their contents -> what an item that few have met borrows of it.

The same function settles a trained model's items and gives a new item its first vector online. n known items, m asked
ones, D = VECTOR_SIZE.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.unit import unit

Array = npt.NDArray[Any]

LENDERS = 10  # items that one borrows from
SHARPNESS = 10.0  # how much more the more alike ones lend: weights are exp(SHARPNESS * cosine)
PART = 1024  # items a pass: 4 kB of memory each for a thousand known ones


class Lenders(NamedTuple):
    """Known items, ready to lend: made once per model."""

    mean: Array  # [D] of their contents
    known: Array  # [n, D] contents from the mean on, of length 1
    residuals: Array  # [n, D]


def lenders(contents: Array, residuals: Array) -> Lenders:
    """Known items of these contents [n, D], with what was learned of each beyond them [n, D]."""
    mean = contents.mean(0) if len(contents) else np.zeros(contents.shape[1], np.float32)
    return Lenders(mean, unit(contents - mean), residuals)


def borrowed(asked: Array, of: Lenders, own: Array | None = None) -> Array:
    """The mean residual [m, D] of the known items whose contents are most like those asked for [m, D].

    ``own`` [m] are the rows of those asked for among the known, where they are known: nobody borrows of himself. Alike
    is the cosine from the mean of the known on (as hosts' new listings take the mean of the nearest ones': Grbovic and
    Cheng, 2018). Where fewer than two are known, nothing is borrowed.
    """
    found = np.zeros((len(asked), of.residuals.shape[1]), np.float32)
    wanted = unit(asked - of.mean)
    for start in range(0, len(asked) if len(of.known) > 1 else 0, PART):
        part = slice(start, start + PART)
        likeness = wanted[part] @ of.known.T
        if own is not None:
            likeness[np.arange(len(likeness)), own[part]] = -np.inf
        found[part] = _lent(likeness, of.residuals)
    return found


def _lent(likeness: Array, residuals: Array) -> Array:
    """Cosines [k, n] -> [k, D]."""
    count = min(LENDERS, likeness.shape[1] - 1)
    lenders = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    weights = np.exp(SHARPNESS * np.take_along_axis(likeness, lenders, 1))
    weights /= weights.sum(1, keepdims=True)
    lent: Array = np.einsum("kl,kld->kd", weights, residuals[lenders])
    return lent
