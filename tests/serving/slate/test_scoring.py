"""Boosts, burying and fatigue."""

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from serving.slate.boosting import Boost, Rule, boost
from serving.slate.fatigue import Fatigue, fatigue
from serving.slate.slate import Given, Slate
from tests.serving.slate.catalogue import given, item_ids, served_minutes_ago, slate_of, slates


def test_a_boost_lifts_what_its_rule_holds_for() -> None:
    about = given([1, 2, 3])
    assert item_ids(boost(slate_of(3, 2, 1), about, Boost((Rule("price > 3", 1.5),))), about) == ["1", "3", "2"]


def test_a_negative_boost_buries() -> None:
    about = given([1, 2, 3])
    assert item_ids(boost(slate_of(3, 2, 1), about, Boost((Rule("price < 2", -9),))), about) == ["2", "3", "1"]


@settings(max_examples=60, deadline=None)
@drawn(slates(), st.floats(0, 5), st.floats(0, 5))
def test_the_more_a_rule_adds_the_higher_stands_what_it_holds_for(
    drawn_: tuple[Slate, Given], some: float, more: float
) -> None:
    slate, about = drawn_
    places = [_places(boost(slate, about, Boost((Rule("price < 12", added),))), about) for added in (some, some + more)]
    assert all(later <= earlier for earlier, later in zip(*places, strict=True))


def _places(slate: Slate, about: Given) -> list[int]:
    """Where the items stand that cost less than 12, from the top."""
    return [place for place, row in enumerate(about.of(slate).tolist()) if row < 12]


def test_two_rules_that_hold_add_up() -> None:
    rules = (Rule("price < 2", 1), Rule("price < 3", 1))
    assert boost(slate_of(0, 0, 0), given([1, 2, 3]), Boost(rules)).scores.tolist() == [2, 1, 0]


@pytest.mark.parametrize("added", [float("nan"), float("inf")])
def test_a_boost_without_a_number_is_refused(added: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Rule("price > 3", added)


def test_fatigue_counts_every_serving_within_its_hours() -> None:
    served = served_minutes_ago([(1, 100), (1, 50), (1, 40), (2, 30)])
    about = given([1, 2, 3], served=served)
    tired = fatigue(slate_of(1, 1, 1), about, Fatigue(per_serving=0.25, hours=1))
    assert item_ids(tired, about) == ["3", "2", "1"]
    assert tired.scores.tolist() == [1, 0.75, 0.5]
