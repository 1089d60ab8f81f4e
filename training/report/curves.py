"""Scored candidates with what came of them -> ROC, precision against recall, calibration."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.bootstrap import LEVEL, SEED
from training.calibration import BINS, Evidence, calibration_error

Array = npt.NDArray[Any]
POINTS = 120  # of a drawn curve
RESAMPLES = 200  # of users, for the interval of the area


def curves(scored: pd.DataFrame | None, users: Array, click_rate: float | None) -> dict[str, Any]:
    """Curves of the model; ``users`` [cases] says whose the cases of ``scored`` are.

    Where candidates were drawn, ``click_rate`` is the share of what is shown that the model takes to be clicked.
    """
    if scored is None or scored.empty:
        return {"missing": "There is no scored-test.parquet beside the run, so there are no scores to draw."}
    labels, scores = scored["label"].to_numpy(float) > 0, scored["score"].to_numpy(float)
    if labels.all() or not labels.any():
        return {"missing": "All scored candidates came to the same end, so nothing can be told apart."}
    owners = users[scored["case"].to_numpy(int)]
    hits, misses = along(labels, scores, np.ones(len(labels)))
    return {
        "how": "Candidates are what came in each case and unseen items drawn at random; the model scored each.",
        "candidates": len(labels),
        "positives": int(labels.sum()),
        "auc": {"value": area(hits, misses), **area_bounds(labels, scores, owners)},
        "roc": thin(np.column_stack([misses / misses[-1], hits / hits[-1]])),
        "average_precision": average_precision(hits, misses),
        "precision_recall": thin(np.column_stack([hits[1:] / hits[-1], hits[1:] / (hits + misses)[1:]])),
        "calibration": calibration(labels, scored, click_rate),
    }


def along(labels: Array, scores: Array, weights: Array) -> tuple[Array, Array]:
    """Positives and negatives at or above each distinct score, from the highest down; both begin at 0."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits, misses = (np.cumsum((weights * part)[order])[ends] for part in (labels, ~labels))
    return np.append(0.0, hits), np.append(0.0, misses)


def area(hits: Array, misses: Array) -> float:
    """Area under the ROC curve: the chance that what came is above what did not, ties counting half."""
    return float(np.trapezoid(hits, misses) / (hits[-1] * misses[-1]))


def area_bounds(labels: Array, scores: Array, owners: Array) -> dict[str, float | None]:
    """The area's interval over resampled users."""
    names, owner = np.unique(owners, return_inverse=True)
    if len(names) < 2:
        return {"low": None, "high": None}
    draw, found = np.random.default_rng(SEED), []
    for _ in range(RESAMPLES):
        drawn = np.bincount(draw.integers(0, len(names), len(names)), minlength=len(names))
        hits, misses = along(labels, scores, drawn[owner].astype(float))
        if hits[-1] and misses[-1]:
            found.append(area(hits, misses))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"low": float(low), "high": float(high)}


def average_precision(hits: Array, misses: Array) -> float:
    """Precision at every positive, on average."""
    precision = hits[1:] / (hits + misses)[1:]
    return float((np.diff(hits) * precision).sum() / hits[-1])


def calibration(labels: Array, scored: pd.DataFrame, click_rate: float | None) -> dict[str, Any]:
    """What was foretold beside what came, in bins of as much weight each, as the calibration error has them."""
    if "probability" not in scored or scored["probability"].isna().all():
        return {"missing": "The model states no probability, so there is nothing to calibrate."}
    foretold, weights = scored["probability"].to_numpy(float), weights_of(labels, click_rate)
    order = np.argsort(foretold, kind="stable")
    passed = np.cumsum(weights[order])
    bins = np.minimum((passed / passed[-1] * BINS).astype(int), BINS - 1)
    rows = [_bin(foretold, labels, weights, order[bins == place]) for place in np.unique(bins)]
    found = Evidence(foretold, labels.astype(float), weights)
    return {"ece": calibration_error(foretold, found), "click_rate": click_rate, "bins": rows}


def weights_of(labels: Array, click_rate: float | None) -> Array:
    """One each, or what makes ``click_rate`` of all candidates come."""
    if not click_rate:
        return np.ones(len(labels))
    share = labels.mean()
    return np.asarray(np.where(labels, click_rate / share, (1 - click_rate) / (1 - share)))


def _bin(foretold: Array, labels: Array, weights: Array, rows: Array) -> dict[str, Any]:
    mine = weights[rows]
    means = (float(np.average(column[rows], weights=mine)) for column in (foretold, labels))
    return dict(zip(("foretold", "came"), means, strict=True)) | {"candidates": len(rows)}


def thin(points: Array) -> list[list[float]]:
    """At most POINTS of a curve's points [n, 2], as evenly along its length as they come."""
    steps = np.abs(np.diff(points, axis=0)).sum(1)
    length = np.append(0.0, np.cumsum(steps))
    kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], POINTS)).clip(max=len(points) - 1))
    return [[round(float(x), 5), round(float(y), 5)] for x, y in points[kept]]
