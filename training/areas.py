"""Scores of what came and of what did not -> AUC, over all pairs or within groups."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Array = npt.NDArray[Any]


def auc(scores: Array, labels: Array) -> float:
    """The chance that a positive scores above a negative, ties counting half; NaN where one of the two is missing."""
    return float(aucs(scores, labels, np.zeros(len(scores), int))[0])


def aucs(scores: Array, labels: Array, groups: Array) -> Array:
    """``auc`` within each group [groups], by rank sums (Mann and Whitney, 1947); ``groups`` [n] count from 0."""
    labels, count = np.asarray(labels, bool), int(groups.max()) + 1
    order = np.lexsort((scores, groups))
    dense = np.empty(len(scores))  # places in the order of (group, score), equal pairs alike
    changes = np.append(True, (np.diff(groups[order]) != 0) | (np.diff(scores[order]) != 0))
    dense[order] = np.cumsum(changes)
    places = rankdata(dense)
    sizes = np.bincount(groups, minlength=count)
    within = places - (np.cumsum(sizes) - sizes)[groups]  # from 1 on in each group
    positives = np.bincount(groups, labels, count)
    negatives = sizes - positives
    above = np.bincount(groups, within * labels, count) - positives * (positives + 1) / 2
    pairs = positives * negatives
    return np.where(pairs > 0, above / np.where(pairs > 0, pairs, 1), np.nan)


def gauc(scores: Array, labels: Array, groups: Array) -> float:
    """AUC within groups (users), weighted by their size, those with one kind left out (Zhu et al., 2017); NaN: none."""
    found = aucs(scores, labels, groups)
    weights = np.bincount(groups, minlength=len(found)) * np.isfinite(found)
    return float(np.nansum(found * weights) / weights.sum()) if weights.any() else float("nan")
