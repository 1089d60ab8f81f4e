"""Availability, exclusion, filters, what was seen and what was served."""

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from feature_repo.vocabulary import ACTION_CODE
from serving.slate.availability import Available, available
from serving.slate.exclusion import Exclude, exclude
from serving.slate.expression import parse
from serving.slate.filtering import Filter, filter_items
from serving.slate.seen import Seen, seen
from serving.slate.served import NotServed, not_served
from serving.slate.slate import Given, Slate
from tests.serving.slate.catalogue import DAY, NOW, activity, given, item_ids, served_minutes_ago, slate_of, slates


def test_what_is_hidden_or_published_later_is_not_available() -> None:
    about, slate = given([10, 11, 12]), slate_of(3, 2, 1)
    assert item_ids(available(slate, about, Available()), about) == ["11", "12"]
    earlier = Given(about.table, about.rows, NOW - 12 * DAY, 10)
    assert item_ids(available(slate, earlier, Available()), about) == ["12"]
    assert item_ids(available(slate, earlier, Available(published=False)), about) == ["11", "12"]


def test_excluded_items_are_left_out_and_unknown_ones_do_no_harm() -> None:
    about = given([1, 2, 3], exclude=["2", "nobody"])
    assert item_ids(exclude(slate_of(1, 2, 3), about, Exclude()), about) == ["3", "1"]


def test_a_filter_is_the_requests_or_the_surfaces() -> None:
    about = given([1, 2, 3], filter=parse("price > 2"))
    assert item_ids(filter_items(slate_of(1, 2, 3), about, Filter()), about) == ["3", "2"]
    assert item_ids(filter_items(slate_of(1, 2, 3), about, Filter("price < 2")), about) == ["1"]


def test_seen_is_what_the_history_holds_with_such_an_action() -> None:
    history = activity([("1", ACTION_CODE["click"], NOW - DAY), ("2", ACTION_CODE["purchase"], NOW - 9 * DAY)])
    about = given([1, 2, 3], activity=history)
    assert item_ids(seen(slate_of(3, 2, 1), about, Seen()), about) == ["1", "3"]
    assert item_ids(seen(slate_of(3, 2, 1), about, Seen(("click", "purchase"))), about) == ["3"]
    assert item_ids(seen(slate_of(3, 2, 1), about, Seen(("purchase",), days=7)), about) == ["1", "2", "3"]


def test_a_history_holds_no_impressions_and_a_stage_that_asks_for_them_is_refused() -> None:
    with pytest.raises(ValueError, match="a history does not hold"):
        Seen(("impression",))


def test_what_was_served_a_moment_ago_is_left_out_for_a_while() -> None:
    about = given([1, 2, 3], k=1, served=served_minutes_ago([(1, 40), (2, 20)]))
    assert item_ids(not_served(slate_of(3, 2, 1), about, NotServed(minutes=30)), about) == ["1", "3"]
    assert item_ids(not_served(slate_of(3, 2, 1), about, NotServed(minutes=60)), about) == ["3"]


def test_what_was_served_longest_ago_fills_a_page_that_would_be_short() -> None:
    about = given([1, 2, 3], k=2, served=served_minutes_ago([(1, 9), (3, 8), (2, 7), (1, 6)]))
    assert item_ids(not_served(slate_of(3, 2, 1), about, NotServed()), about) == ["2", "3"]


@settings(max_examples=60, deadline=None)
@drawn(slates(), st.floats(0.5, 100))
def test_the_served_filter_never_leaves_a_page_short(drawn_: tuple[Slate, Given], minutes: float) -> None:
    slate, about = drawn_
    after = not_served(slate, about, NotServed(minutes=minutes))
    assert len(after.places) >= min(about.end, len(slate.places))
