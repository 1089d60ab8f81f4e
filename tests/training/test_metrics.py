import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics import rank, ranks, summary, top

NONE = np.array([], np.int64)


def test_the_highest_score_is_first() -> None:
    assert rank(np.array([0.1, 0.9, 0.5]), 1, NONE) == 1


def test_items_already_seen_do_not_compete() -> None:
    assert rank(np.array([0.9, 0.1, 0.5]), 1, np.array([0, 2])) == 1


def test_ties_are_broken_by_row_and_not_in_favour_of_the_target() -> None:
    assert [rank(np.zeros(3), target, NONE) for target in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("target", [-1, 2])
def test_an_item_that_cannot_be_ranked_is_a_miss(target: int) -> None:
    assert math.isinf(rank(np.zeros(3), target, np.array([2])))


def test_the_summary_of_a_hit_at_two_and_a_miss() -> None:
    found = summary([2.0, math.inf])
    assert found["ndcg@10"] == pytest.approx(0.5 / math.log2(3))
    assert (found["recall@10"], found["mrr"], found["cases"]) == (0.5, 0.25, 2)


def test_place_eleven_counts_for_mrr_alone() -> None:
    found = summary([11.0])
    assert (found["ndcg@10"], found["recall@10"]) == (0.0, 0.0)
    assert found["mrr"] == pytest.approx(1 / 11)


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Scores with ties [cases, n], targets, and what was seen."""
    cases, size = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    row = st.lists(st.integers(0, 3), min_size=size, max_size=size)
    scores = np.array(draw(st.lists(row, min_size=cases, max_size=cases)), float)
    targets = np.array([draw(st.integers(-1, size - 1)) for _ in range(cases)])
    seen = [np.array(sorted(draw(st.sets(st.integers(0, size - 1)))), np.int64) for _ in range(cases)]
    return scores, targets, seen


@given(scored())
def test_ranks_of_many_cases_are_those_of_each(drawn: tuple[np.ndarray, np.ndarray, list[np.ndarray]]) -> None:
    scores, targets, seen = drawn
    alone = [rank(row, target, met) for row, target, met in zip(scores, targets, seen, strict=True)]
    for row, met in zip(scores, seen, strict=True):
        row[met] = -np.inf
    assert ranks(scores, targets).tolist() == alone


@given(scored(), st.integers(1, 10))
def test_the_top_holds_the_items_of_the_first_ranks(
    drawn: tuple[np.ndarray, np.ndarray, list[np.ndarray]], count: int
) -> None:
    scores, _, seen = drawn
    places = [rank(scores[0], row, seen[0]) for row in range(scores.shape[1])]
    hidden = scores[0].copy()
    hidden[seen[0]] = -np.inf
    best = [row for row in np.argsort(places, kind="stable").tolist() if places[row] <= count]
    assert top(hidden, count).tolist() == best
