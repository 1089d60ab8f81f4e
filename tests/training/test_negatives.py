import numpy as np
import pytest

from training.negatives import draw, proposal


def test_half_of_the_draws_follow_the_counts() -> None:
    assert proposal(np.array([8, 0, 0, 0]), 0.5) == pytest.approx([0.625, 0.125, 0.125, 0.125])


def test_without_any_count_the_draws_are_uniform() -> None:
    assert proposal(np.zeros(4), 0.5) == pytest.approx([0.25] * 4)


def test_the_positive_comes_first_and_is_never_its_own_negative() -> None:
    positives = np.arange(1000) % 3
    rows, _ = draw(positives, np.array([0.6, 0.3, 0.1]), 5, seed=0)
    assert (rows[:, 0] == positives).all()
    assert (rows[:, 1:] != positives[:, None]).all()


def test_the_sample_estimates_the_sum_over_the_catalogue() -> None:
    scores, chances = np.random.default_rng(1).normal(size=50), proposal(np.arange(50), 0.5)
    rows, log_draws = draw(np.full(20_000, 3), chances, 5, seed=0)
    estimate = np.exp(scores[rows] - log_draws)[:, 1:].sum(1).mean()
    assert estimate == pytest.approx(np.delete(np.exp(scores), 3).sum(), rel=0.02)


def test_the_same_seed_draws_the_same() -> None:
    first, second = (draw(np.arange(9), np.full(9, 1 / 9), 4, seed=3)[0] for _ in range(2))
    assert (first == second).all()
