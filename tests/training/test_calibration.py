"""A planted slope and offset are found again, and what is fitted explains clicks better than what was not."""

import numpy as np
import pytest
import torch

from training.calibration import (
    Calibration,
    Evidence,
    calibration_error,
    checked,
    evidence,
    isotonic,
    log_loss,
    platt,
    sigmoid,
)


def planted(slope: float, offset: float, count: int = 20_000) -> Evidence:
    draw = np.random.default_rng(0)
    scores = draw.normal(2.0, 3.0, count)
    clicked = (draw.random(count) < sigmoid(scores, slope, offset)).astype(float)
    return Evidence(scores, clicked, np.ones(count))


@pytest.mark.parametrize(("slope", "offset"), [(0.5, -2.0), (1.5, 0.3)])
def test_a_planted_sigmoid_is_found_again(slope: float, offset: float) -> None:
    assert platt(planted(slope, offset)) == pytest.approx((slope, offset), abs=0.08)


def test_calibration_lowers_log_loss_and_error_and_no_monotone_curve_does_better() -> None:
    held_out = checked(planted(0.5, -2.0))
    loss = {name: each["log_loss"] for name, each in held_out.items()}
    error = {name: each["calibration_error"] for name, each in held_out.items()}
    assert loss["sigmoid"] < 0.8 * loss["uncalibrated"] and error["sigmoid"] < 0.03 < error["uncalibrated"]
    assert loss["sigmoid"] < loss["isotonic"] + 0.005


def test_scores_that_say_nothing_get_the_rate_of_clicks_and_never_a_falling_slope() -> None:
    scores, clicked = np.linspace(0, 1, 1000), np.linspace(1, 0, 1000) > 0.8
    slope, offset = platt(Evidence(scores, clicked.astype(float), np.ones(1000)))
    assert slope == 0.0 and sigmoid(np.zeros(1), slope, offset) == pytest.approx(0.2, abs=0.01)


def test_an_isotonic_curve_follows_a_step_that_no_sigmoid_can() -> None:
    scores = np.linspace(-1, 1, 2000)
    clicked = (np.arange(2000) % 10 < np.where(scores < 0, 1, 4)).astype(float)
    step = Evidence(scores, clicked, np.ones(2000))
    np.testing.assert_allclose(isotonic(step, np.array([-0.5, 0.5])), [0.1, 0.4], atol=0.02)
    assert log_loss(isotonic(step, scores), step) < log_loss(sigmoid(scores, *platt(step)), step)


def test_perfect_probabilities_have_no_calibration_error_and_wrong_ones_their_distance() -> None:
    found = Evidence(np.zeros(1000), (np.arange(1000) % 10 < 3).astype(float), np.ones(1000))
    assert calibration_error(np.full(1000, 0.3), found) < 0.02
    assert calibration_error(np.full(1000, 0.8), found) == pytest.approx(0.5, abs=0.01)


def test_sampled_negatives_are_weighted_to_the_declared_rate() -> None:
    found, kind = evidence(np.random.default_rng(0).normal(size=(50, 21)), None, click_rate=0.05)
    assert np.average(found.clicked, weights=found.weights) == pytest.approx(0.05) and "0.05" in kind
    assert sigmoid(found.scores, *platt(found)).mean() == pytest.approx(0.05, abs=0.01)


def test_impressions_are_taken_as_they_are_where_there_are_any() -> None:
    shown = np.array([[False, False, True], [False, False, False]])
    found, kind = evidence(np.arange(6.0).reshape(2, 3), shown, click_rate=0.05)
    assert kind == "impressions"
    assert found.scores.tolist() == [0.0, 2.0] and found.clicked.tolist() == [1.0, 0.0]
    assert found.weights.tolist() == [1.0, 1.0]


def test_the_calibration_of_a_model_keeps_the_order_and_is_part_of_its_state() -> None:
    calibration = Calibration()
    calibration.set(0.5, -2.0)
    scores = torch.tensor([3.0, 1.0, 2.0])
    np.testing.assert_allclose(calibration(scores).numpy(), sigmoid(scores.numpy(), 0.5, -2.0), rtol=1e-6)
    assert set(calibration.state_dict()) == {"slope", "offset"}
