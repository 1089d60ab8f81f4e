import numpy as np
import pytest

from training.baselines import LivePopularity, item_knn, popularity
from training.cases import Case


def case(timestamp: int = 0, *seen: int) -> Case:
    return Case(0, np.array(seen, np.int64), timestamp, {}, {})


def test_popularity_counts_what_came_before_the_cutoff() -> None:
    assert popularity(np.array([2, 2, 0]), 4)(case()).tolist() == [1, 0, 2, 0]


def test_live_popularity_goes_on_counting_strictly_before_the_case() -> None:
    live = LivePopularity(np.array([0, 0]), np.array([0.0, 20.0]), np.array([1, 1]), np.array([30.0, 40.0]), 2)
    assert live(case(30))[1] == 0
    assert live(case(40))[1] > 0
    once = live(case(41))[1]
    assert live(case(99))[1] == once


def test_live_popularity_prefers_the_newer_of_two() -> None:
    live = LivePopularity(np.array([0, 1]), np.array([0.0, 100.0]), np.array([], int), np.array([]), 2)
    older, newer = live(case(100))
    assert newer == pytest.approx(1.0) and older < 1e-5


def test_the_nearest_items_share_their_users() -> None:
    users, rows = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 2, 3])
    scores = item_knn(users, rows, 4)(case(0, 0))
    assert scores[1] > scores[2] == scores[3] == 0


def test_a_user_who_saw_nothing_gets_no_preference() -> None:
    assert item_knn(np.array([0, 1]), np.array([0, 1]), 3)(case()).tolist() == [0, 0, 0]
