"""What is on top: formulas beside lists one can count by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.recommended import breadth, diversity, gini, surprise

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=12).map(np.array)


def test_lists_of_two_items_of_four() -> None:
    tops = [np.array([0, 1]), np.array([1, 0])]
    found = breadth(tops, np.array([3, 1, 0, 0]), np.eye(4))
    assert (found["coverage"], found["popularity"], found["diversity"]) == (0.5, 2.0, 1.0)
    assert found["novelty"] == pytest.approx((-math.log2(4 / 8) - math.log2(2 / 8)) / 2)


def test_items_alike_are_not_diverse_and_opposites_are_twice_so() -> None:
    vectors = np.array([[1.0, 0.0], [2.0, 0.0], [-3.0, 0.0]])
    assert diversity([np.array([0, 1])], vectors) == pytest.approx(0.0)
    assert diversity([np.array([0, 2])], vectors) == pytest.approx(2.0)


@given(st.lists(st.lists(st.integers(0, 4), unique=True, max_size=5).map(np.array), min_size=1, max_size=4))
def test_diversity_is_the_mean_over_pairs_of_lists(tops: list[np.ndarray]) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    lists = [[1 - unit[one] @ unit[two] for one in top for two in top if one != two] for top in tops if len(top) > 1]
    expected = np.mean([np.mean(each) for each in lists]) if lists else math.nan
    assert diversity([top.astype(int) for top in tops], vectors) == pytest.approx(expected, nan_ok=True)


@given(COUNTS)
def test_gini_is_half_the_relative_mean_difference(counts: np.ndarray) -> None:
    differences = np.abs(counts[:, None] - counts[None]).mean()
    assert gini(counts) == pytest.approx(differences / (2 * counts.mean()) if counts.any() else 0.0)


@given(COUNTS)
def test_shares_behind_the_surprise_add_up_to_one(counts: np.ndarray) -> None:
    assert np.exp2(-surprise(counts)).sum() == pytest.approx(1.0)
