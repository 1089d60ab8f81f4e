"""The one formula that reads a decayed counter at a time.

A counter with half-life ``h`` that stood at ``value`` at time ``at`` reads ``value * 2 ** (-(now - at) / h)`` at
``now`` (forward decay, Cormode et al., ICDE 2009, with an exponential). Adding is commutative, so a late event adds its
own decayed weight and no window has to expire.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def weight(age_ms: float, half_life_ms: float) -> float:
    """What one event of this age counts; ages below zero count as zero."""
    return float(2.0 ** (-max(age_ms, 0.0) / half_life_ms))


def decayed(values: npt.ArrayLike, at_ms: npt.ArrayLike, now_ms: npt.ArrayLike, half_life_ms: float) -> Floats:
    """``values`` [..., k] of counters that stood at ``at_ms`` [...], read at ``now_ms`` [...] (milliseconds)."""
    return np.asarray(values, np.float64) * fading(at_ms, now_ms, np.array([half_life_ms]))


def fading(at_ms: npt.ArrayLike, now_ms: npt.ArrayLike, half_lives_ms: Floats) -> Floats:
    """What is left at ``now_ms`` [...] of one that stood at ``at_ms`` [...], by half-life [k]: [..., k]."""
    age: Any = np.maximum(np.asarray(now_ms, np.float64) - np.asarray(at_ms, np.float64), 0.0)
    return np.asarray(np.exp2(age[..., None] / -half_lives_ms), np.float64)
