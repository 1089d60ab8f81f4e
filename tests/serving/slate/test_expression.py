"""Filters: what they hold for, and what is refused."""

import pytest
from hypothesis import example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from serving.slate.columns import Columns, unknown_names
from serving.slate.expression import LONGEST, MOST, InvalidExpression, parse
from tests.serving.slate.catalogue import COUNT, NOW, TABLE

EVERY = Columns(TABLE, slice(0, COUNT), NOW)


def found(text: str) -> list[int]:
    return [row for row, holds in enumerate(parse(text).holds(EVERY).tolist()) if holds]


def items(rule: object) -> list[int]:
    return [i for i in range(COUNT) if rule(i)]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("price < 3", lambda i: i < 3),
        ("3 > price", lambda i: i < 3),
        ("1 <= price <= 3.5", lambda i: 1 <= i <= 3),
        ("price == 3.5", lambda i: i == 3),
        ("price == '3.50'", lambda i: i == 3),
        ("price > -1 and not price > 2", lambda i: i < 2),
        ('brand == "b1"', lambda i: i % 5 and i % 7 == 1),
        ('brand != "b1"', lambda i: not (i % 5 and i % 7 == 1)),
        ("brand == null", lambda i: i % 5 == 0),
        ("brand != null", lambda i: i % 5),
        ('brand in ["b1", "b2", "unheard of"]', lambda i: i % 5 and i % 7 in (1, 2)),
        ('brand not in ["b1"]', lambda i: not (i % 5 and i % 7 == 1)),
        ("brand in []", lambda i: False),
        ("price in [1.5, 2.5, null]", lambda i: i in (1, 2)),
        ('"c1" in categories', lambda i: i % 3 == 1),
        ('"c1" not in categories and "all" in categories', lambda i: i % 3 != 1),
        ('"unheard of" in categories', lambda i: False),
        ('category == "c2"', lambda i: i % 3 == 2),
        ('category in ["c2", "all"]', lambda i: i % 3 == 2),
        ("category == null or item_id == null", lambda i: False),
        ('item_id in ["1", "2", "nobody"]', lambda i: i in (1, 2)),
        ('item_id != "1"', lambda i: i != 1),
        ("age_days <= 2", lambda i: i <= 2),
        ('published_at >= "2023-11-13T00:00:00"', lambda i: i <= 1),
        ("price < 1 or price > 38", lambda i: i < 1 or i > 37),
        ("unheard_of == 1 or unheard.of == true", lambda i: False),
        ('attributes["price"] < 2', lambda i: i < 2),
    ],
)
def test_a_filter_holds_for(text: str, rule: object) -> None:
    assert found(text) == items(rule)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be read"),
        ("price <", "cannot be read at character"),
        ("price = 3", "cannot be read at character"),
        ("price", "is not a comparison"),
        ("True", "is not a comparison"),
        ("price < cost", "is not a number"),
        ("3 < 4", "not the name of an attribute"),
        ("price is 3", "`is` is not understood"),
        ('"b" < brand', "compares numbers"),
        ('item_id < "b"', "compares numbers"),
        ('categories == "c1"', "several categories"),
        ('categories in ["c1"]', "in categories or"),
        ('brand in "b1"', "is no list"),
        ("price + 1 < 3", "not the name of an attribute"),
        ('__import__("os").system("true") == 0', "not the name of an attribute"),
        ("(lambda: 1)() == 1", "not the name of an attribute"),
        ('f"{price}" == price', "is not a number"),
        ("price < 1j", "is not a number"),
        ("price < 1" + "0" * 400, "cannot be read"),
        ('published_at > "yesterday"', "yesterday"),
        ("price < 3 " + " " * LONGEST, "at most"),
        (" or ".join(["price < 3"] * (MOST + 1)), "at most"),
        ("(" * 300 + "price < 3" + ")" * 300, "cannot be read"),
        ("price < 3\0", "cannot be read"),
    ],
)
def test_a_filter_that_is_none_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidExpression, match=why):
        parse(text)


TOKENS = ["price", "brand", "categories", "item_id", "not", "and", "or", "in", "(", ")", "[", "]", ",", "<", "==", "1"]


@settings(max_examples=300, deadline=None)
@drawn(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(TOKENS), max_size=14).map(" ".join)))
@example("not " * 480 + "price < 1")
@example("-" * 1900 + "1 < price")
@example("a" + ".b" * 980 + "< 1")
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except InvalidExpression:
        return
    assert expression.holds(EVERY).shape == (COUNT,) and expression.holds(EVERY).dtype == bool


def test_names_that_no_item_has_are_told_apart() -> None:
    expression = parse('brnd == "x" or price < 3 and item_id != "x" and "c" in categories')
    assert unknown_names(expression.names, TABLE) == ["brnd"]
