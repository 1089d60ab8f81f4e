"""What a user did lately: counters, history, session and affinities, whatever order the events come in."""

from functools import reduce
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.decay import weight
from feature_repo.user_activity import UserActivity, Visit, advance, from_row, session_events, to_row, without
from feature_repo.vocabulary import ACTION_CODE, ACTIONS, CATEGORIES_KEPT, HALF_LIVES, HISTORY_LENGTH, SESSION_GAP

T = 1_750_000_000_000  # 2025-06-15
CLICK = ACTIONS.index("click")


class Event(NamedTuple):
    item_id: str
    action: str
    timestamp: int
    categories: tuple[str, ...] = ()


def after(events: list[Event], start: UserActivity = UserActivity()) -> UserActivity:  # noqa: B008
    return reduce(lambda activity, event: advance(activity, *event), events, start)


CATEGORIES = {"a": ("drama",), "b": ("drama", "war"), "c": ()}
events = st.builds(
    lambda item, action, age: Event(item, action, T - age, CATEGORIES[item]),
    st.sampled_from("abc"),
    st.sampled_from(ACTIONS),
    st.integers(0, 10 * 86_400_000),
)
streams = st.lists(events, max_size=100, unique_by=lambda event: event[:3]).flatmap(
    lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))
)


@given(streams)
def test_any_order_of_arrival_gives_the_same_activity(stream: tuple[list[Event], list[Event]]) -> None:
    one, other = (after(list(each)) for each in stream)
    assert one.at == other.at
    assert one.history == other.history
    assert session_events(one.timestamps) == session_events(other.timestamps)
    for mine, theirs in zip(one.counts, other.counts, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-9)
    assert one.categories == pytest.approx(other.categories, rel=1e-9)


@given(st.lists(events, max_size=80))
def test_counters_equal_the_sum_of_every_events_weight(stream: list[Event]) -> None:
    activity = after(stream)
    for counts, half_life in zip(activity.counts, HALF_LIVES.values(), strict=True):
        for action, count in zip(ACTIONS, counts, strict=True):
            ages = [activity.at - event.timestamp for event in stream if event.action == action]
            assert count == pytest.approx(sum(weight(age, half_life) for age in ages), rel=1e-9)


@given(st.lists(events, max_size=80))
def test_a_row_and_back_is_the_same_activity(stream: list[Event]) -> None:
    assert from_row(to_row(after(stream))) == after(stream)


def test_the_row_of_an_unknown_user_is_an_empty_activity() -> None:
    assert from_row({}) == from_row({"user_activity_at": None}) == UserActivity()


def _clicks_after(window: str, age_ms: int) -> float:
    clicked = advance(UserActivity(), "a", "click", T - age_ms)
    now = advance(clicked, "a", "impression", T)
    return now.counts[list(HALF_LIVES).index(window)][CLICK]


def test_a_click_an_hour_ago_counts_half_in_the_1h_window() -> None:
    assert _clicks_after("1h", 3_600_000) == pytest.approx(0.5)


def test_a_click_a_day_ago_counts_half_in_the_1d_window() -> None:
    assert _clicks_after("1d", 86_400_000) == pytest.approx(0.5)


def test_a_click_a_week_ago_counts_half_in_the_7d_window() -> None:
    assert _clicks_after("7d", 7 * 86_400_000) == pytest.approx(0.5)


def test_a_late_click_counts_as_if_it_had_come_in_time() -> None:
    on_time = after([Event("a", "click", T - 3_600_000), Event("b", "view", T)])
    late = after([Event("b", "view", T), Event("a", "click", T - 3_600_000)])
    assert late == on_time


def test_the_history_keeps_the_newest_interactions_and_no_more() -> None:
    history = after([Event(str(n), "view", T + n) for n in range(100)]).history
    assert [visit.item_id for visit in history] == [str(n) for n in range(100 - HISTORY_LENGTH, 100)]


def test_an_event_older_than_a_full_history_does_not_enter_it() -> None:
    full = after([Event(str(n), "view", T + n) for n in range(HISTORY_LENGTH)])
    assert advance(full, "late", "view", T - 1).history == full.history


def test_impressions_are_counted_but_do_not_enter_the_history() -> None:
    activity = advance(UserActivity(), "a", "impression", T)
    assert activity.history == ()
    assert activity.counts[0][ACTIONS.index("impression")] == 1


def test_equal_times_are_ordered_by_item_and_action() -> None:
    history = after([Event("b", "view", T), Event("a", "click", T), Event("a", "view", T)]).history
    assert history == (
        Visit(T, "a", ACTION_CODE["view"]),
        Visit(T, "a", ACTION_CODE["click"]),
        Visit(T, "b", ACTION_CODE["view"]),
    )


def test_half_an_hour_without_an_interaction_ends_a_session() -> None:
    times = [T, T + 1, T + 1 + SESSION_GAP, T + 2 + 2 * SESSION_GAP, T + 3 + 2 * SESSION_GAP]
    lengths = [session_events(after([Event("a", "view", t) for t in times[:n]]).timestamps) for n in range(6)]
    assert lengths == [0, 1, 2, 3, 1, 2]


def test_an_interaction_is_shared_among_the_items_categories() -> None:
    assert advance(UserActivity(), "b", "click", T, ["drama", "war"]).categories == {"drama": 0.5, "war": 0.5}


def test_affinity_halves_in_a_week() -> None:
    week = 7 * 86_400_000
    activity = after([Event("a", "click", T, ("drama",)), Event("x", "click", T + week, ("war",))])
    assert activity.categories == pytest.approx({"drama": 0.5, "war": 1.0})


def test_the_strongest_affinities_are_kept() -> None:
    activity = after([Event("x", "click", T + n, (f"c{n}",)) for n in range(CATEGORIES_KEPT + 5)])
    assert len(activity.categories) == CATEGORIES_KEPT
    assert "c0" not in activity.categories and f"c{CATEGORIES_KEPT + 4}" in activity.categories


@given(st.lists(events, max_size=150), st.dictionaries(st.sampled_from("abx"), st.integers(T - 10**9, T), max_size=2))
def test_without_an_item_the_history_is_made_of_the_other_events_as_far_as_it_had_room_for_them(
    stream: list[Event], void: dict[str, int]
) -> None:
    """Visits that the item's had pushed out do not come back: what is left is the end of the other events' history."""
    left, full = without(after(stream), void), after(stream)
    others = after([event for event in stream if event.timestamp > void.get(event.item_id, 0)])
    assert left.history == others.history[len(others.history) - len(left.history) :]
    if sum(event.action != "impression" for event in stream) <= HISTORY_LENGTH:
        assert (left.history, left.session) == (others.history, others.session)
    assert len({len(left.item_ids), len(left.actions), len(left.timestamps)}) == 1
    assert left.session == session_events(left.timestamps)
    assert (left.at, left.counts, left.categories) == (full.at, full.counts, full.categories)
    assert without(left, void) is left


@given(st.lists(events, max_size=30), st.lists(events, max_size=30), st.integers(T - 10**9, T))
def test_an_item_may_be_taken_out_before_or_after_what_else_happens(
    before: list[Event], others: list[Event], until: int
) -> None:
    later = [event for event in others if event.item_id != "a"]
    assert (
        after(later, without(after(before), {"a": until})).history
        == without(after(before + later), {"a": until}).history
    )
