"""A session's activity and a user's, merged: as if one user had done it all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.user_activity import UserActivity
from feature_repo.user_merge import merge
from feature_repo.vocabulary import CATEGORIES_KEPT
from tests.feature_repo.test_user_activity import Event, T, after, events


def same(one: UserActivity, other: UserActivity) -> None:
    """Equal up to rounding."""
    assert (one.at, one.history, one.session) == (other.at, other.history, other.session)
    for mine, theirs in zip(one.counts, other.counts, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-9)
    assert one.categories == pytest.approx(other.categories, rel=1e-9)


@given(st.lists(st.tuples(events, st.booleans()), max_size=150), st.integers(0, 150))
def test_a_merge_at_any_point_equals_one_user_who_did_it_all(stream: list[tuple[Event, bool]], point: int) -> None:
    """What the session does is split off before the merge; everything after it is the user's."""
    before, later = stream[:point], [event for event, _ in stream[point:]]
    mine, sessions = ([event for event, of_user in before if of_user is each] for each in (True, False))
    together = after([event for event, _ in stream])
    same(after(later, merge(after(mine), after(sessions))), together)
    same(merge(after(sessions), after(mine + later)), together)


@given(st.lists(events, max_size=80))
def test_merging_nothing_changes_nothing(stream: list[Event]) -> None:
    activity = after(stream)
    assert merge(activity, UserActivity()) == merge(UserActivity(), activity) == activity


def test_a_merge_keeps_the_strongest_affinities_of_both() -> None:
    mine, theirs = (
        after([Event("x", "click", T + n, (f"{who}{n}",)) for n in range(CATEGORIES_KEPT)]) for who in ("m", "t")
    )
    kept = merge(mine, theirs).categories
    assert set(kept) == {f"{who}{n}" for who in ("m", "t") for n in range(CATEGORIES_KEPT // 2, CATEGORIES_KEPT)}
