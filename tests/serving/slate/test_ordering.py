"""Caps, shares, pins."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from serving.slate.caps import Cap, cap, capped, shared_values
from serving.slate.pins import Pin, Pinned, pin
from serving.slate.shares import New, Promote, new, promote, shared
from serving.slate.slate import Given, Slate
from tests.serving.slate.catalogue import given, item_ids, slate_of, slates

some = settings(max_examples=80, deadline=None)
masks = st.lists(st.booleans(), min_size=1, max_size=40)
shares = st.floats(0, 1)


def test_a_capped_item_waits_for_the_next_page() -> None:
    about = given([0, 3, 6, 1, 2], k=3, offset=3)
    assert item_ids(cap(slate_of(5, 4, 3, 2, 1), about, Cap("category", 2)), about) == ["0", "3", "1", "6", "2"]


def test_a_page_gets_short_rather_than_break_a_cap() -> None:
    about = given([0, 3, 6, 9], k=3)
    assert item_ids(cap(slate_of(4, 3, 2, 1), about, Cap("category", 2)), about) == ["0", "3"]


def test_what_has_no_value_is_not_capped() -> None:
    about = given([0, 5, 35, 8], k=4)  # 0, 5 and 35 have no brand
    assert item_ids(cap(slate_of(4, 3, 2, 1), about, Cap("brand", 1)), about) == ["0", "5", "35", "8"]


def test_numbers_can_be_capped_as_texts_can() -> None:
    about = given([1, 2])
    assert shared_values(slate_of(2, 1), about, "price") == [(("number", 1.5),), (("number", 2.5),)]


@some
@drawn(slates(), st.sampled_from(["brand", "category", "categories", "price"]), st.integers(1, 4))
def test_caps_hold_on_every_page(drawn_: tuple[Slate, Given], by: str, at_most: int) -> None:
    slate, about = drawn_
    after = cap(slate, about, Cap(by, at_most))
    values = shared_values(after, about, by)[: about.end]
    for page in range(0, len(values), about.k):
        counts = Counter(value for each in values[page : page + about.k] for value in each)
        assert max(counts.values(), default=0) <= at_most


@some
@drawn(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 9), st.integers(1, 9), st.integers(0, 20))
def test_a_page_is_short_only_where_nothing_would_fit(values: list[int], at_most: int, k: int, offset: int) -> None:
    order = capped([(value,) for value in values], at_most, k, offset + k)
    if len(order) < len(values):
        last = order[len(order) // k * k :]
        counts = Counter(values[position] for position in last)
        left = {values[position] for position in set(range(len(values))) - set(order)}
        assert all(counts[value] == at_most for value in left)


@some
@drawn(masks, shares, shares, st.integers(1, 50))
def test_shares_hold_from_the_top(chosen: list[bool], one: float, other: float, end: int) -> None:
    at_least, at_most = sorted((one, other))
    order = shared(np.array(chosen), at_least, at_most, end)
    assert sorted(order.tolist()) == list(range(len(chosen)))
    ours, others = sum(chosen), len(chosen) - sum(chosen)
    for m in range(1, min(end, len(chosen)) + 1):
        taken = sum(chosen[position] for position in order[:m])
        assert taken >= min(math.floor(m * at_least), ours)
        assert taken <= max(math.ceil(m * at_most), m - others)


@some
@drawn(masks, shares, shares)
def test_shares_keep_the_order_of_either_kind(chosen: list[bool], one: float, other: float) -> None:
    order = shared(np.array(chosen), *sorted((one, other)), end=len(chosen)).tolist()
    for kind in (True, False):
        mine = [position for position in order if chosen[position] == kind]
        assert mine == sorted(mine)


def test_a_share_of_nothing_and_of_everything_leaves_an_order_as_it_is() -> None:
    chosen = np.array([True, False, True])
    assert shared(chosen, 0, 1, 3).tolist() == [0, 1, 2]


def test_new_items_get_their_floor() -> None:
    about = given([30, 31, 32, 1])
    assert item_ids(new(slate_of(4, 3, 2, 1), about, New(days=7, at_least=0.5)), about) == ["30", "1", "31", "32"]


def test_promoted_items_get_their_share_and_no_more() -> None:
    about = given([0, 1, 2, 3])
    assert item_ids(promote(slate_of(4, 3, 2, 1), about, Promote("price > 3", 0.5)), about) == ["0", "3", "1", "2"]
    hidden = promote(slate_of(4, 3, 2, 1), about, Promote("price < 1", at_most=0))
    assert item_ids(hidden, about) == ["1", "2", "3", "0"]


def test_a_share_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        Promote("price > 3", 0.5, 0.2)


@some
@drawn(slates(), st.dictionaries(st.integers(0, 12), st.integers(1, 15), max_size=5))
def test_pins_stand_where_they_should(drawn_: tuple[Slate, Given], wanted: dict[int, int]) -> None:
    slate, about = drawn_
    placed = {position: item for item, position in wanted.items()}
    pins = tuple(Pinned(str(item), position) for position, item in placed.items())
    before, after = item_ids(slate, about), item_ids(pin(slate, about, Pin(pins)), about)
    for pinned in pins:
        if pinned.item_id in before and pinned.position <= len(before):
            assert after[pinned.position - 1] == pinned.item_id
    others = [item for item in after if item not in {pinned.item_id for pinned in pins}]
    assert others == [item for item in before if item not in {pinned.item_id for pinned in pins}]


def test_nothing_is_pinned_twice() -> None:
    with pytest.raises(ValueError, match="pinned twice"):
        Pin((Pinned("a", 1), Pinned("b", 1)))
