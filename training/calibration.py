"""Scores of labels nobody trained on, with what was clicked -> the probability that a score stands for.

With impressions it is the chance that a shown item is clicked. Without, the only negatives are drawn at random: it is
that chance if ``click_rate`` of what is shown were clicked, and what is shown were drawn as the negatives were.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import isotonic_regression, minimize
from torch import Tensor, nn

Array = npt.NDArray[np.float64]
BINS = 15  # of equal weight, for the calibration error


class Calibration(nn.Module):
    """Scores -> click probabilities, by a slope and an offset (Platt, 1999): the order of candidates stays."""

    slope: Tensor
    offset: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slope", torch.tensor(1.0))
        self.register_buffer("offset", torch.tensor(0.0))

    def forward(self, scores: Tensor) -> Tensor:
        """Any shape -> the same."""
        return torch.sigmoid(self.slope * scores + self.offset)

    def set(self, slope: float, offset: float) -> None:
        self.slope.fill_(slope)
        self.offset.fill_(offset)


class Evidence(NamedTuple):
    """Scores [n] of pairs, whether each was clicked, and how much each counts."""

    scores: Array
    clicked: Array  # 0 or 1
    weights: Array

    def part(self, chosen: Any) -> "Evidence":
        return Evidence(*(column[chosen] for column in self))


def evidence(scores: Array, shown: npt.NDArray[np.bool_] | None, click_rate: float) -> tuple[Evidence, str]:
    """Scores of labels with candidates [B, N], the positive in place 0 -> what to fit to, and what that is.

    Labels that come with items ``shown`` and passed over count as they are; where there is none, positives and sampled
    negatives are weighted so that ``click_rate`` of all is clicked.
    """
    if shown is not None and shown.any():
        having = shown.any(1)
        return _joined(scores[having, 0], scores[shown], None), "impressions"
    kind = f"sampled negatives, clicks weighted to {click_rate}"
    return _joined(scores[:, 0], scores[:, 1:].ravel(), click_rate), kind


def _joined(clicked: Array, others: Array, click_rate: float | None) -> Evidence:
    rate = click_rate or len(clicked) / (len(clicked) + len(others))
    weights = np.concatenate(
        [np.full(len(clicked), rate / len(clicked)), np.full(len(others), (1 - rate) / len(others))]
    )
    targets = np.concatenate([np.ones(len(clicked)), np.zeros(len(others))])
    weights *= len(targets)
    return Evidence(np.concatenate([clicked, others]).astype(np.float64), targets, weights)


def platt(found: Evidence) -> tuple[float, float]:
    """Slope (never negative) and offset of the sigmoid that explains the clicks best, with Platt's targets."""
    scores, clicked, weights = found
    center, spread = scores.mean(), max(float(scores.std()), 1e-6)
    scaled, total = (scores - center) / spread, weights.sum()
    positive = (weights * clicked).sum()
    targets = np.where(clicked > 0, (positive + 1) / (positive + 2), 1 / (total - positive + 2))

    def loss(line: Array) -> tuple[float, Array]:
        logits = line[0] * scaled + line[1]
        errors = weights * (1 / (1 + np.exp(-logits)) - targets) / total
        value = (weights * (np.logaddexp(0, logits) - targets * logits)).sum() / total
        return float(value), np.array([(errors * scaled).sum(), errors.sum()])

    rate = positive / total
    begin = np.array([1.0, np.log(rate / (1 - rate))])
    slope, offset = minimize(loss, begin, jac=True, bounds=[(0, None), (None, None)], tol=1e-12).x
    return float(slope / spread), float(offset - slope * center / spread)


def sigmoid(scores: Array, slope: float, offset: float) -> Array:
    """What a calibration says of scores."""
    return np.asarray(1 / (1 + np.exp(-(slope * scores + offset))))


def isotonic(fitted: Evidence, scores: Array) -> Array:
    """The probabilities of other scores by the best monotone curve: what no sigmoid can do better."""
    order = np.argsort(fitted.scores, kind="stable")
    curve = isotonic_regression(fitted.clicked[order], weights=fitted.weights[order]).x
    return np.asarray(np.interp(scores, fitted.scores[order], np.clip(curve, 1e-6, 1 - 1e-6)))


def log_loss(probabilities: Array, found: Evidence) -> float:
    """Mean negative log likelihood of the clicks, in nats."""
    likely = np.where(found.clicked > 0, probabilities, 1 - probabilities)
    return float(np.average(-np.log(np.maximum(likely, 1e-12)), weights=found.weights))


def calibration_error(probabilities: Array, found: Evidence) -> float:
    """Expected calibration error: how far clicks are from probabilities, over bins of equal weight (Naeini, 2015)."""
    order = np.argsort(probabilities, kind="stable")
    passed = np.cumsum(found.weights[order])
    bins = np.minimum((passed / passed[-1] * BINS).astype(int), BINS - 1)
    weights = found.weights[order]
    gaps = np.bincount(bins, weights * (probabilities - found.clicked)[order], BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def checked(found: Evidence) -> dict[str, dict[str, float]]:
    """Log loss and calibration error of bare, sigmoid and isotonic probabilities, on the half not fitted to."""
    places = np.random.default_rng(0).permutation(len(found.scores))
    fitted, held = found.part(places[::2]), found.part(places[1::2])
    said = {
        "uncalibrated": sigmoid(held.scores, 1.0, 0.0),
        "sigmoid": sigmoid(held.scores, *platt(fitted)),
        "isotonic": isotonic(fitted, held.scores),
    }
    return {
        name: {"log_loss": log_loss(each, held), "calibration_error": calibration_error(each, held)}
        for name, each in said.items()
    }
