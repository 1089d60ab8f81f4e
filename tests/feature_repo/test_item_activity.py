"""What lately happened to an item."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.item_activity import ItemActivity, advance, from_row, smoothed_ctr, to_row
from feature_repo.vocabulary import ACTIONS, HALF_LIVES

T = 1_750_000_000_000
CLICK = ACTIONS.index("click")
events = st.tuples(st.sampled_from(ACTIONS), st.integers(T - 10 * 86_400_000, T))


def after(stream: list[tuple[str, int]]) -> ItemActivity:
    return reduce(lambda activity, event: advance(activity, *event), stream, ItemActivity())


@given(st.lists(events, max_size=60).flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))))
def test_any_order_of_arrival_gives_the_same_counters(stream: tuple[list[tuple[str, int]], ...]) -> None:
    one, other = (after(list(each)) for each in stream)
    assert one.at == other.at
    for mine, theirs in zip(one.counts, other.counts, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-9)


@given(st.lists(events, max_size=60))
def test_a_row_and_back_is_the_same_activity(stream: list[tuple[str, int]]) -> None:
    assert from_row(to_row(after(stream))) == after(stream)


def _clicks_after(window: str, age_ms: int) -> float:
    return after([("click", T - age_ms), ("impression", T)]).counts[list(HALF_LIVES).index(window)][CLICK]


def test_a_click_an_hour_ago_counts_half_in_the_1h_window() -> None:
    assert _clicks_after("1h", 3_600_000) == pytest.approx(0.5)


def test_a_click_a_day_ago_counts_half_in_the_1d_window() -> None:
    assert _clicks_after("1d", 86_400_000) == pytest.approx(0.5)


def test_a_click_a_week_ago_counts_half_in_the_7d_window() -> None:
    assert _clicks_after("7d", 7 * 86_400_000) == pytest.approx(0.5)


def test_an_item_nobody_saw_has_the_prior_click_rate() -> None:
    assert to_row(ItemActivity())["item_ctr_7d"] == smoothed_ctr(0, 0) == 0.05


def test_clicks_without_impressions_never_make_a_rate_above_one() -> None:
    assert smoothed_ctr(1e6, 0) < 1


def test_the_click_rate_approaches_clicks_per_impression() -> None:
    assert smoothed_ctr(30_000, 100_000) == pytest.approx(0.3, abs=1e-4)


def test_the_row_of_an_unknown_item_is_an_empty_activity() -> None:
    assert from_row({}) == ItemActivity()
