"""Attributes of items as columns."""

import logging
import math

import pytest

from feature_repo import item_attributes
from feature_repo.item_attributes import NAMES, ItemAttributes, number_or_text
from feature_repo.item_table import ItemTable


def attributes_of(*items: list[str]) -> ItemAttributes:
    attributes = ItemAttributes()
    attributes.grow(len(items))
    for row, item in enumerate(items):
        attributes.put(row, item)
    return attributes


def test_a_value_is_a_number_where_it_reads_as_one() -> None:
    found = attributes_of(["year=1977.0"], ["year=1978"], ["year=long ago"], [])
    assert found.numbers("year", slice(0, 2)).tolist() == [1977, 1978]
    assert [math.isnan(year) for year in found.numbers("year", [0, 2, 3]).tolist()] == [False, True, True]
    assert found.texts("year", slice(0, 4)).tolist() == [0, 0, found.code("year", "long ago"), 0]


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999", "", "1977 AD"])
def test_what_is_no_finite_number_is_text(text: str) -> None:
    assert number_or_text(text) == text


def test_only_the_first_sign_of_equality_parts_name_and_value() -> None:
    found = attributes_of(["formula=e=mc2"])
    assert found.texts("formula", [0]).tolist() == [found.code("formula", "e=mc2")] == [1]


def test_what_an_item_no_longer_says_is_forgotten() -> None:
    found = attributes_of(["brand=a", "price=1"])
    found.put(0, ["price=cheap"])
    assert (found.texts("brand", [0]).tolist(), found.texts("price", [0]).tolist()) == ([0], [1])
    assert math.isnan(found.numbers("price", [0])[0])


def test_an_unknown_name_or_text_is_no_error() -> None:
    found = attributes_of([], [])
    assert (found.code("x", "y"), found.texts("x", [0]).tolist(), found.names) == (-1, [0], [])
    assert [*map(math.isnan, found.numbers("x", slice(0, 2)))] == [True, True]


def test_only_so_many_names_become_columns_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = attributes_of([f"n{number:02}={number}" for number in range(NAMES + 1)], [f"n{NAMES}=1"])
    assert len(found.names) == NAMES
    assert [record.getMessage() for record in caplog.records] == [
        f"filters and caps do not see the attribute 'n{NAMES}' of every item: there are {NAMES} others, "
        "and FRESHRANK_ITEM_ATTRIBUTES does not name it"
    ]


def test_of_chosen_names_all_become_columns_and_no_other() -> None:
    chosen = [f"n{number}" for number in range(NAMES + 1)]
    attributes = ItemAttributes(chosen)
    attributes.grow(1)
    attributes.put(0, ["brand=a", *(f"{name}=1" for name in chosen)])
    assert attributes.names == sorted(chosen)


def test_only_so_many_texts_get_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_attributes, "TEXTS", 2)
    found = attributes_of(["sku=a"], ["sku=b"], ["sku=c"], ["sku=a"])
    assert found.texts("sku", slice(0, 4)).tolist() == [1, 2, 0, 1]


def test_a_table_keeps_attributes_as_it_grows() -> None:
    table = ItemTable()
    for number in range(3000):
        table.put_content(str(number), {"item_attributes": [f"price={number}", f"brand=b{number % 2}"]})
    table.put_activity("last", {})
    assert table.attributes.numbers("price", slice(0, 3000)).tolist() == [*range(3000)]
    assert table.attributes.texts("brand", table.rows(["2999", "last"])).tolist() == [2, 0]
