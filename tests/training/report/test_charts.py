"""Drawings: axes that are round and honest, marks where the numbers are."""

import re

import pytest

from training.report.axes import Axis, round_axis, ticks
from training.report.charts import Column, Line, bar_cell, column_chart, interval_cell, line_chart
from training.report.figures import learning_curve, means_axis


@pytest.mark.parametrize(("low", "high", "ends"), [(0, 0.93, (0, 1)), (3.1, 4.7, (3, 5)), (0, 0.012, (0, 0.015))])
def test_axes_begin_and_end_at_round_values(low: float, high: float, ends: tuple[float, float]) -> None:
    axis = round_axis("", low, high)
    assert axis.low <= low and axis.high >= high
    assert (axis.low, axis.high) == pytest.approx(ends)


def test_ticks_are_round_and_inside() -> None:
    assert ticks(Axis("", 0.0, 0.1)) == pytest.approx([0, 0.02, 0.04, 0.06, 0.08, 0.1])
    assert ticks(Axis("", 1.0, 3.0, whole=True)) == [1, 2, 3]
    assert ticks(Axis("", 0.0, 0.0 + 1e-9)) != []


def test_an_axis_of_one_value_still_has_room() -> None:
    assert round_axis("", 2.0, 2.0).high > 2.0 and round_axis("", 0.0, 0.0).high > 0.0


def test_means_share_an_axis_from_zero_and_losses_go_below() -> None:
    axis = means_axis([{"value": 0.2, "low": None, "high": None}, {"value": 0.1, "low": -0.1, "high": 0.3}])
    assert (axis.low, axis.high) == (-0.1, 0.3)


def test_a_line_goes_from_corner_to_corner() -> None:
    drawn = line_chart("name", [Line("rise", [(0, 0), (1, 1)])], Axis("x", 0, 1), Axis("y", 0, 1))
    assert 'points="44.0,202.0 328.0,12.0"' in drawn


def test_points_and_columns_say_their_numbers_when_hovered() -> None:
    axis = Axis("", 0, 1)
    assert "<title>2 of 3</title>" in line_chart("", [Line("", [(0, 1)], titles=["2 of 3"])], axis, axis)
    assert "<title>half</title>" in column_chart("", [Column("a", 0.5, "half", 0.25)], "", axis)


def test_columns_begin_at_zero_and_are_as_high_as_their_value() -> None:
    drawn = column_chart("", [Column("a", 0.5, "half")], "", Axis("", 0, 1))
    y, height = re.findall(r'class="bar accent" x="[^"]+" y="([^"]+)" width="[^"]+" height="([^"]+)"', drawn)[0]
    assert float(y) + float(height) == 202 and float(height) == 95


def test_a_cell_shows_its_interval_only_where_there_is_one() -> None:
    axis = Axis("", 0, 1)
    assert "whisker" in interval_cell({"value": 0.5, "low": 0.4, "high": 0.6}, axis, "accent", "")
    assert "whisker" not in interval_cell({"value": 0.5, "low": None, "high": None}, axis, "accent", "")


def test_a_bar_of_a_loss_goes_to_the_left_of_zero() -> None:
    drawn = bar_cell(-0.5, Axis("", -1, 1), "accent", "")
    x, width = re.findall(r'class="bar accent" x="([^"]+)" y="4" width="([^"]+)"', drawn)[0]
    assert (float(x), float(width)) == (40, 35)


def test_texts_in_drawings_are_escaped() -> None:
    evil, axis = '"><script>', Axis("<b>", 0, 1)
    drawn = line_chart(evil, [Line(evil, [(0, 0)], titles=[evil])], axis, axis)
    drawn += column_chart(evil, [Column(evil, 1, evil)], evil, axis)
    drawn += interval_cell({"value": 0, "low": None, "high": None}, axis, "accent", evil)
    assert "<script>" not in drawn and "<b>" not in drawn


@pytest.mark.parametrize("points", [[[1, 0.5]], [[1, -2.0], [2, -1.0]], [[1, 0.0], [2, 0.0]], [[0, 1e9], [1, 1e-9]]])
def test_odd_curves_are_drawn_too(points: list[list[float]]) -> None:
    assert "polyline" in learning_curve({"name": "loss", "over": "epoch", "points": points})
