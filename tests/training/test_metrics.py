import math

import numpy as np
import pytest

from training.metrics import rank, summary

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
