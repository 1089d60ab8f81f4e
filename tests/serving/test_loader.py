"""Filling the item table: rows from the store, vectors from the encoder."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from feature_repo.vocabulary import VECTOR_SIZE
from serving.catalogue import Catalogue
from serving.errors import OnlineStoreUnavailable, TritonUnavailable
from serving.item_rows import Rows
from serving.loader import Loader
from tests.serving.fakes import MODEL, catalogue_of


class FakeRows:
    def __init__(self, content: Mapping[str, Any], away: bool = False) -> None:
        self.content, self.away = content, away

    async def read(self, item_ids: Sequence[str]) -> Rows:
        if self.away:
            raise OnlineStoreUnavailable("away")
        return {"item_content": {each: self.content[each] for each in item_ids if each in self.content}}


class FakeEncoder:
    def __init__(self, away: bool = False) -> None:
        self.away = away

    async def vectors(self, tokenizer: Any, rows: Sequence[Mapping[str, Any]], version: int) -> Any:
        if self.away:
            raise TritonUnavailable("away")
        return np.ones((len(rows), VECTOR_SIZE), np.float32)


class FakeModels:
    def current(self) -> Any:
        return MODEL


def loader(catalogue: Catalogue, rows: FakeRows, encoder: FakeEncoder) -> Any:
    return Loader(catalogue, rows, encoder, FakeModels())  # type: ignore[arg-type]


def load(catalogue: Catalogue, rows: FakeRows, encoder: FakeEncoder | None = None) -> Any:
    filling = loader(catalogue, rows, encoder or FakeEncoder())

    async def all_of_it() -> None:
        while await filling.load_some():
            pass

    asyncio.run(all_of_it())
    return filling


def test_a_wanted_item_gets_its_row_and_its_vector() -> None:
    catalogue = catalogue_of("a")
    catalogue.want(["new"])
    load(catalogue, FakeRows({"new": {"item_title": "New"}}))
    assert catalogue.candidates(["new"]).ids == ["new"]
    assert catalogue.table.titles[catalogue.table.index["new"]] == "New"
    assert catalogue.loaded and not catalogue.wanted


def test_a_known_item_gets_its_row_and_keeps_its_vector() -> None:
    catalogue = catalogue_of("a")
    catalogue.want(["a"])
    load(catalogue, FakeRows({"a": {"item_title": "A"}}), FakeEncoder(away=True))
    assert catalogue.candidates(["a"]).ids == ["a"]


def test_an_item_that_nobody_knows_is_not_asked_for_again_at_once() -> None:
    catalogue = catalogue_of("a")
    catalogue.want(["x"])
    load(catalogue, FakeRows({}))
    catalogue.want(["x"])
    assert not catalogue.wanted and catalogue.candidates(["x"]).unknown == ["x"]


def test_nothing_is_lost_while_the_store_is_away() -> None:
    catalogue = catalogue_of()
    catalogue.want(["new"])
    rows = FakeRows({"new": {"item_title": "New"}}, away=True)
    with pytest.raises(OnlineStoreUnavailable):
        load(catalogue, rows)
    rows.away = False
    load(catalogue, rows)
    assert catalogue.candidates(["new"]).ids == ["new"]


def test_nothing_is_lost_while_triton_is_away() -> None:
    catalogue, encoder = catalogue_of(), FakeEncoder(away=True)
    catalogue.want(["new"])
    filling = loader(catalogue, FakeRows({"new": {"item_title": "New"}}), encoder)

    async def away_then_back() -> None:
        await filling.load_some()
        with pytest.raises(TritonUnavailable):
            await filling.load_some()
        encoder.away = False
        await filling.load_some()

    asyncio.run(away_then_back())
    assert catalogue.candidates(["new"]).ids == ["new"]
