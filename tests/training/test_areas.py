"""Areas under ROC curves beside the naive count of pairs and scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from training.areas import auc, aucs, gauc

ROWS = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30)
Rows = list[tuple[int, bool, int]]


def columns(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores, labels, groups = zip(*rows, strict=True)
    return np.array(scores, float), np.array(labels), np.array(groups)


def naive(scores: np.ndarray, labels: np.ndarray) -> float:
    """The share of (positive, negative) pairs in the right order."""
    pairs = [(mine > other) + 0.5 * (mine == other) for mine in scores[labels] for other in scores[~labels]]
    return float(np.mean(pairs)) if pairs else math.nan


@given(ROWS)
def test_the_area_is_the_share_of_pairs_in_order(rows: Rows) -> None:
    scores, labels, _ = columns(rows)
    assert auc(scores, labels) == pytest.approx(naive(scores, labels), nan_ok=True)


@given(ROWS.filter(lambda rows: len({label for _, label, _ in rows}) == 2))
def test_the_area_is_that_of_scikit_learn(rows: Rows) -> None:
    scores, labels, _ = columns(rows)
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


@given(ROWS)
def test_areas_within_groups_are_those_of_each_group(rows: Rows) -> None:
    scores, labels, groups = columns(rows)
    alone = [naive(scores[groups == group], labels[groups == group]) for group in range(groups.max() + 1)]
    assert aucs(scores, labels, groups) == pytest.approx(alone, nan_ok=True)
    told_apart = [(area, (groups == group).sum()) for group, area in enumerate(alone) if not math.isnan(area)]
    assert gauc(scores, labels, groups) == pytest.approx(_weighted(told_apart), nan_ok=True)


def _weighted(parts: list[tuple[float, int]]) -> float:
    weight = sum(size for _, size in parts)
    return sum(area * size for area, size in parts) / weight if weight else math.nan
