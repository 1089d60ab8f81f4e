"""Filling the item table with rows from the store."""

import asyncio

import pytest

from serving.catalogue import Catalogue
from serving.errors import OnlineStoreUnavailable
from serving.loader import Loader
from tests.serving.fakes import catalogue_of
from tests.serving.item_fakes import FakeItemRows


def load(catalogue: Catalogue, rows: FakeItemRows) -> None:
    async def all_of_it() -> None:
        filling = Loader(catalogue, rows)
        while await filling.load_some():
            pass

    asyncio.run(all_of_it())


def test_a_wanted_item_gets_its_row_and_waits_for_its_vector() -> None:
    catalogue = catalogue_of("a")
    catalogue.want(["new"])
    load(catalogue, FakeItemRows({"new": {"item_title": "New"}}))
    assert catalogue.table.titles[catalogue.table.index["new"]] == "New"
    assert catalogue.loaded and not catalogue.wanted
    assert list(catalogue.vectors.waiting) == ["new"]


def test_a_known_item_gets_its_row_and_keeps_its_vector() -> None:
    catalogue = catalogue_of("a")
    catalogue.want(["a"])
    load(catalogue, FakeItemRows({"a": {"item_title": "A"}}))
    assert catalogue.candidates(["a"]).ids == ["a"]
    assert not catalogue.vectors.waiting


def test_an_item_that_nobody_knows_is_not_asked_for_again_at_once() -> None:
    catalogue = catalogue_of("a")
    catalogue.want(["x"])
    load(catalogue, FakeItemRows({}))
    catalogue.want(["x"])
    assert not catalogue.wanted and catalogue.candidates(["x"]).unknown == ["x"]


def test_nothing_is_lost_while_the_store_is_away() -> None:
    catalogue = catalogue_of("a")
    catalogue.want(["new"])
    rows = FakeItemRows({"new": {"item_title": "New"}}, away=True)
    with pytest.raises(OnlineStoreUnavailable):
        load(catalogue, rows)
    rows.away = False
    load(catalogue, rows)
    assert "new" in catalogue.table.index
