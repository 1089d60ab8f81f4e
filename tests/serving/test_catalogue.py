"""The item table's one writer."""

import numpy as np

from feature_repo.vocabulary import VECTOR_SIZE
from serving.catalogue import WANTED_LIMIT, Catalogue
from streaming.events import ItemChange
from tests.serving.fakes import catalogue_of


def content(item_id: str, stamp: int, **row: object) -> ItemChange:
    return ItemChange(item_id, "item_content", stamp, dict(row))


def available(catalogue: Catalogue, item_id: str) -> bool:
    table = catalogue.table
    return bool(table.column("item_available")[table.index[item_id]])


def test_a_change_is_taken_over() -> None:
    catalogue = catalogue_of("a")
    catalogue.take_over([content("a", 1, item_available=False)])
    assert not available(catalogue, "a")
    assert catalogue.changed_at > 0


def test_a_change_that_is_older_than_the_last_one_changes_nothing() -> None:
    catalogue = catalogue_of("a")
    catalogue.take_over([content("a", 2, item_available=False), content("a", 1, item_available=True)])
    assert not available(catalogue, "a")


def test_the_views_of_an_item_have_stamps_of_their_own() -> None:
    catalogue = catalogue_of("a")
    catalogue.take_over([content("a", 9), ItemChange("a", "item_activity", 1, {"item_ctr_7d": 0.5})])
    assert catalogue.table.column("item_ctr_7d")[0] == 0.5


def test_a_row_of_the_store_does_not_undo_a_change() -> None:
    catalogue = catalogue_of("a")
    catalogue.take_over([content("a", 1, item_available=False)])
    assert not catalogue.put("item_content", "a", {"item_available": True})
    assert not available(catalogue, "a")


def test_a_change_that_is_older_than_the_row_of_the_store_changes_nothing() -> None:
    catalogue = catalogue_of("a")
    catalogue.put("item_content", "a", {"item_available": False, "event_timestamp": 5})
    catalogue.take_over([content("a", 4, item_available=True)])
    assert not available(catalogue, "a")


def test_a_new_item_is_unknown_and_waits_until_it_has_a_vector() -> None:
    catalogue = catalogue_of("a")
    catalogue.take_over([content("new", 1, item_title="New")])
    assert list(catalogue.vectors.waiting) == ["new"] and not catalogue.wanted
    assert catalogue.candidates(["new", "a"]).unknown == ["new"]
    catalogue.table.put_vectors(["new"], np.ones((1, VECTOR_SIZE)))
    assert catalogue.candidates(["new", "a"]).ids == ["new", "a"]


def test_a_hidden_item_without_a_vector_is_unavailable_and_not_unknown() -> None:
    catalogue = catalogue_of("a")
    catalogue.take_over([content("new", 1, item_available=False)])
    found = catalogue.candidates(["new"])
    assert (found.unavailable, found.unknown) == (["new"], [])


def test_a_hidden_item_that_is_shown_again_ranks_at_once_by_the_vector_it_has() -> None:
    catalogue = catalogue_of("a")
    for stamp, shown in enumerate((True, False, True), start=1):
        catalogue.take_over([content("a", stamp, item_title="A", item_available=shown)])
        found = catalogue.candidates(["a"])
        assert (found.ids, found.unavailable) == ((["a"], []) if shown else ([], ["a"]))
    assert not catalogue.vectors.waiting


def test_an_item_known_only_by_its_activity_is_looked_for() -> None:
    catalogue = catalogue_of("a")
    catalogue.take_over([ItemChange("b", "item_activity", 1, {})])
    assert catalogue.candidates(["b"]).unknown == ["b"]
    assert list(catalogue.wanted) == ["b"]


def test_every_item_of_a_model_is_loaded_however_many_there_are() -> None:
    many = [str(number) for number in range(WANTED_LIMIT + 1)]
    catalogue = Catalogue()
    catalogue.replace_vectors(many, np.zeros((len(many), VECTOR_SIZE), np.float32))
    catalogue.want(["x"])
    assert len(catalogue.wanted) == len(many)


def test_an_empty_table_knows_nothing() -> None:
    assert catalogue_of().candidates(["a"]).unknown == ["a"]


def test_another_models_vectors_replace_all() -> None:
    catalogue = catalogue_of("a", "b")
    catalogue.replace_vectors(["b"], np.ones((1, VECTOR_SIZE)))
    assert catalogue.candidates(["a", "b"]).ids == ["b"]
    assert "a" in catalogue.wanted
