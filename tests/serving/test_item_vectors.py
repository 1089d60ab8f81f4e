"""Which vectors still fit the text of their item."""

from typing import Any

import numpy as np
import pytest

from feature_repo.item_text import content_fingerprint
from feature_repo.vocabulary import VECTOR_SIZE
from serving.catalogue import Catalogue
from tests.serving.item_fakes import titled

LEARNED = np.full((2, VECTOR_SIZE), 0.5, np.float32)


def trained(*titles: str, residuals: Any = LEARNED) -> Catalogue:
    """A model that was trained with these titles as items a, b, ..., whose vectors are 1s, 2s, ..."""
    item_ids = [chr(ord("a") + place) for place in range(len(titles))]
    vectors = np.repeat(np.arange(1, len(titles) + 1, dtype=np.float32), VECTOR_SIZE).reshape(-1, VECTOR_SIZE)
    catalogue = Catalogue()
    fingerprints = np.array([content_fingerprint(titled(title)) for title in titles])
    catalogue.replace_vectors(item_ids, vectors, fingerprints, residuals)
    return catalogue


def encode(catalogue: Catalogue, item_id: str, row: dict[str, Any], value: float) -> None:
    """What the encoder would bring."""
    made = np.full((1, VECTOR_SIZE), value, np.float32)
    catalogue.vectors.put([item_id], np.array([content_fingerprint(row)]), made, catalogue.vectors.lent(made))


def first(catalogue: Catalogue, item_id: str) -> float:
    return float(catalogue.table.vectors([item_id])[0, 0])


def test_before_the_first_model_nothing_waits_and_with_it_every_text_it_does_not_know() -> None:
    catalogue = Catalogue()
    for item_id, title in {"a": "Heat", "new": "Alien"}.items():
        catalogue.put("item_content", item_id, titled(title))
    assert catalogue.candidates(["a", "new"]).ids == ["a", "new"]
    assert not catalogue.vectors.waiting and first(catalogue, "new") == 0
    fingerprints = np.array([content_fingerprint(titled("Heat"))])
    catalogue.replace_vectors(["a"], np.ones((1, VECTOR_SIZE), np.float32), fingerprints, LEARNED[:1])
    assert (catalogue.candidates(["a", "new"]).ids, list(catalogue.vectors.waiting)) == (["a"], ["new"])


def test_the_text_that_the_model_was_trained_with_waits_for_nothing() -> None:
    catalogue = trained("Heat", "Alien")
    catalogue.put("item_content", "a", titled("Heat"))
    assert not catalogue.vectors.waiting and first(catalogue, "a") == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"item_title": "Heat 2"},
        {"item_text": "A heist."},
        {"item_categories": ["crime"]},
        {"item_attributes": ["year=1995"]},
    ],
)
def test_whatever_the_encoder_reads_makes_an_item_wait_when_it_changes(changed: dict[str, Any]) -> None:
    catalogue = trained("Heat", "Alien")
    catalogue.put("item_content", "a", titled("Heat") | changed)
    assert list(catalogue.vectors.waiting) == ["a"]
    assert catalogue.candidates(["a"]).ids == ["a"] and first(catalogue, "a") == 1  # the old vector serves


def test_what_the_encoder_does_not_read_changes_no_vector() -> None:
    catalogue = trained("Heat", "Alien")
    catalogue.put("item_content", "a", titled("Heat", item_published_at=7, item_available=False))
    assert not catalogue.vectors.waiting


def test_a_changed_text_keeps_what_was_learned_of_the_item_beyond_its_text() -> None:
    catalogue, row = trained("Heat", "Alien"), titled("Heat 2")
    catalogue.put("item_content", "a", row)
    encode(catalogue, "a", row, 3)
    assert first(catalogue, "a") == 3.5 and not catalogue.vectors.waiting


def test_a_new_item_borrows_what_was_learned_of_items_like_it() -> None:
    catalogue, row = (
        trained("Heat", "Alien", residuals=np.array([[0.5], [0.25]], np.float32).repeat(VECTOR_SIZE, 1)),
        titled("New"),
    )
    catalogue.put("item_content", "new", row)
    encode(catalogue, "new", row, 3)
    assert 3.25 <= first(catalogue, "new") <= 3.5


def test_a_new_item_is_its_text_alone_where_the_bundle_keeps_no_residuals() -> None:
    catalogue, row = trained("Heat", "Alien", residuals=None), titled("New")
    catalogue.put("item_content", "new", row)
    encode(catalogue, "new", row, 3)
    assert first(catalogue, "new") == 3


def test_a_text_that_changes_back_has_the_models_own_vector_at_once() -> None:
    catalogue, row = trained("Heat", "Alien"), titled("Heat 2")
    catalogue.put("item_content", "a", row)
    encode(catalogue, "a", row, 3)
    catalogue.put("item_content", "a", titled("Heat", stamp=2))
    assert first(catalogue, "a") == 1 and not catalogue.vectors.waiting


def test_a_text_that_changes_again_while_it_is_encoded_goes_on_waiting() -> None:
    catalogue, row = trained("Heat", "Alien"), titled("Heat 2")
    catalogue.put("item_content", "a", row)
    catalogue.put("item_content", "a", titled("Heat 3", stamp=2))
    encode(catalogue, "a", row, 3)
    assert first(catalogue, "a") == 3.5 and list(catalogue.vectors.waiting) == ["a"]


def test_a_deleted_item_waits_for_nothing_and_its_return_is_encoded() -> None:
    catalogue = trained("Heat", "Alien")
    catalogue.put("item_content", "a", {"item_available": False, "event_timestamp": 1})
    assert catalogue.candidates(["a"]).unavailable == ["a"] and not catalogue.vectors.waiting
    catalogue.put("item_content", "a", titled("Heat 2", stamp=2))
    assert catalogue.candidates(["a"]).ids == ["a"] and list(catalogue.vectors.waiting) == ["a"]
    catalogue.put("item_content", "a", {"item_available": False, "event_timestamp": 3})
    assert not catalogue.vectors.waiting
    catalogue.put("item_content", "a", titled("Heat", stamp=4))
    assert catalogue.candidates(["a"]).ids == ["a"] and not catalogue.vectors.waiting


def test_another_model_makes_wait_what_it_read_another_text_of_or_does_not_know() -> None:
    catalogue = trained("Heat", "Alien")
    for item_id, title in (("a", "Heat"), ("b", "Alien 2"), ("new", "New")):
        row = titled(title)
        catalogue.put("item_content", item_id, row)
        encode(catalogue, item_id, row, 3)
    prints = np.array([content_fingerprint(titled(title)) for title in ("Heat", "Alien")])
    catalogue.replace_vectors(["a", "b"], LEARNED, prints, LEARNED)
    assert list(catalogue.vectors.waiting) == ["b", "new"]
    assert catalogue.candidates(["a", "b", "new"]).ids == ["a", "b"]


def test_a_bundle_without_fingerprints_is_taken_to_be_of_the_text_that_comes_first() -> None:
    catalogue, row = Catalogue(), titled("Heat 2", stamp=2)
    catalogue.replace_vectors(["a"], LEARNED[:1])
    catalogue.put("item_content", "a", titled("Heat"))
    assert not catalogue.vectors.waiting
    catalogue.put("item_content", "a", row)
    assert list(catalogue.vectors.waiting) == ["a"]
    encode(catalogue, "a", row, 3)
    assert first(catalogue, "a") == 3  # what was learned beyond the text cannot be told from its vector


def test_how_long_a_change_took_is_told_of_changes_since_the_start_only() -> None:
    catalogue, heard = trained("Heat", "Alien"), list[float]()
    catalogue.vectors.rankable = heard.append
    old, new = titled("Heat 2"), titled("Heat 3", stamp=2**51)
    catalogue.put("item_content", "a", old)
    encode(catalogue, "a", old, 3)
    assert not heard
    catalogue.put("item_content", "a", new)
    encode(catalogue, "a", new, 3)
    assert len(heard) == 1


def test_an_item_of_the_history_without_a_vector_reads_as_zeros() -> None:
    catalogue = trained("Heat", "Alien")
    catalogue.put("item_content", "new", titled("New"))
    assert not catalogue.table.vectors(["new", "nobody"]).any()
