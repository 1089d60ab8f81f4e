"""Items that wait -> vectors, in batches."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from feature_repo.vocabulary import VECTOR_SIZE
from serving import item_rows
from serving.catalogue import Catalogue
from serving.encoding import Encoding
from tests.serving.fakes import MODEL, catalogue_of
from tests.serving.item_fakes import FakeEncoder, FakeItemRows, FakeModels, titled


class Shop:
    """A catalogue, the store behind it, and what encodes."""

    def __init__(self, *titles: str) -> None:
        self.catalogue = catalogue_of("old")
        self.rows = FakeItemRows({})
        self.encoder, self.models = FakeEncoder(), FakeModels()
        self.encoding = Encoding(self.catalogue, self.rows, self.encoder, self.models)  # type: ignore[arg-type]
        for place, title in enumerate(titles):
            self.upsert(f"item-{place}", title)

    def upsert(self, item_id: str, title: str, stamp: int = 1) -> None:
        self.rows.content[item_id] = titled(title, stamp)
        self.catalogue.put("item_content", item_id, titled(title, stamp))

    def rounds(self, count: int) -> list[int]:
        async def some() -> list[int]:
            return [await self.encoding.encode_some() for _ in range(count)]

        return asyncio.run(some())

    @property
    def waiting(self) -> list[str]:
        return list(self.catalogue.vectors.waiting)


def first(catalogue: Catalogue, item_id: str) -> float:
    return float(catalogue.table.vectors([item_id])[0, 0])


def test_an_item_that_waits_gets_its_vector() -> None:
    shop = Shop("Heat")
    assert shop.rounds(1) == [1]
    assert first(shop.catalogue, "item-0") == 4 and not shop.waiting
    assert shop.catalogue.candidates(["item-0"]).ids == ["item-0"]


def test_hundreds_of_changes_are_encoded_in_batches() -> None:
    shop = Shop(*(f"Title {place}" for place in range(300)))
    shop.rounds(10)
    assert shop.encoder.batches == [item_rows.BATCH] * 9 + [300 - 9 * item_rows.BATCH]
    assert len(shop.catalogue.candidates(f"item-{place}" for place in range(300)).ids) == 300


def test_an_item_that_a_ranking_lacks_does_not_wait_behind_a_burst() -> None:
    shop = Shop(*(f"Title {place}" for place in range(300)))
    assert shop.catalogue.candidates(["old", "item-299"]).unknown == ["item-299"]
    shop.rounds(1)
    assert shop.catalogue.candidates(["old", "item-299"]).ids == ["old", "item-299"]
    assert len(shop.waiting) == 300 - item_rows.BATCH


@pytest.mark.parametrize("neighbour", ["encoder", "rows"])
def test_nothing_is_lost_while_a_neighbour_is_away(neighbour: str, caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop("Heat", "Alien")
    getattr(shop, neighbour).away = True
    assert shop.rounds(5) == [0] * 5
    assert sorted(shop.waiting) == ["item-0", "item-1"]
    assert [record.getMessage() for record in caplog.records if "2 items wait" in record.getMessage()]
    getattr(shop, neighbour).away = False
    shop.rounds(2)
    assert not shop.waiting


def test_a_title_that_changes_while_triton_is_away_is_encoded_once_and_as_it_is_then() -> None:
    shop = Shop("Heat")
    shop.encoder.away = True
    shop.rounds(1)
    shop.upsert("item-0", "Heat of the night", stamp=2)
    shop.encoder.away = False
    assert shop.rounds(1) == [1] and shop.encoder.batches == [1]
    assert first(shop.catalogue, "item-0") == len("Heat of the night")


def test_an_item_that_triton_refuses_holds_nobody_up() -> None:
    shop = Shop(*(f"Title {place}" for place in range(100)))
    shop.encoder.refused = {"Title 3"}
    shop.rounds(40)
    assert shop.waiting == ["item-3"]


def test_an_item_that_triton_refuses_holds_nobody_up_though_every_ranking_asks_for_it() -> None:
    shop = Shop(*(f"Title {place}" for place in range(100)))
    shop.encoder.refused = {"Title 3"}
    for _ in range(40):
        shop.catalogue.candidates(["item-3"])
        shop.rounds(1)
    assert shop.waiting == ["item-3"]


def test_an_item_whose_text_the_store_does_not_have_yet_waits_behind_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Shop("Heat", "Alien")
    shop.upsert("item-0", "Heat 2", stamp=3)
    shop.rows.content["item-0"] = titled("Heat", stamp=1)
    assert shop.rounds(1) == [1] and shop.waiting == ["item-0"]
    del shop.rows.content["item-0"]
    assert shop.rounds(1) == [0] and shop.waiting == ["item-0"]
    assert "1 items wait for their vectors: the online store does not have their present texts" in caplog.text
    shop.rows.content["item-0"] = titled("Heat 3", stamp=4)  # a change that will be heard of in a moment
    assert shop.rounds(1) == [1] and not shop.waiting


def test_vectors_of_a_model_that_was_replaced_meanwhile_are_thrown_away() -> None:
    shop = Shop("Heat")

    class Promoting(FakeEncoder):
        async def vectors(self, *asked: Any) -> Any:
            shop.models.model = replace(MODEL, triton_version=2)
            shop.catalogue.replace_vectors(["old"], np.ones((1, VECTOR_SIZE), np.float32))
            return await super().vectors(*asked)

    shop.encoding._encoder = Promoting()  # type: ignore[assignment]
    assert shop.rounds(1) == [0] and shop.waiting == ["item-0"]
    shop.encoding._encoder = shop.encoder  # type: ignore[assignment]
    assert shop.rounds(1) == [1] and not shop.waiting


def test_progress_is_told(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop("Heat", "Alien")

    async def until_done() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(shop.encoding.run(), 0.01)

    with caplog.at_level(logging.INFO, "serving.encoding"):
        asyncio.run(until_done())
    assert "items encoded: 2, waiting for their vectors: 0" in caplog.text


def test_an_image_vector_of_another_size_than_the_models_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    shop.models.model = replace(MODEL, media={"image": 2})
    for place in range(2):
        shop.rows.content[f"odd-{place}"] = titled("Tea", item_image_vector=[1.0])
        shop.catalogue.put("item_content", f"odd-{place}", shop.rows.content[f"odd-{place}"])
    with caplog.at_level(logging.WARNING):
        assert shop.rounds(1) == [2]
        shop.upsert("plain", "Cup")
        shop.rounds(1)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1 and "the image vector of item odd-0 has 1 numbers, the model reads 2" in told[0]
