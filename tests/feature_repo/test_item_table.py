"""The catalogue in memory."""

import numpy as np

from feature_repo.item_table import ItemTable
from feature_repo.vocabulary import ITEM_CATEGORIES, VECTOR_SIZE

ONES = np.ones((1, VECTOR_SIZE), np.float32)


def test_an_unknown_item_has_row_minus_one_and_a_zero_vector() -> None:
    table = ItemTable()
    assert not table.vectors(["x"]).any()
    table.put_vectors(["a"], ONES)
    assert table.rows(["x", "a"]).tolist() == [-1, 0]
    assert table.vectors(["x", "a"])[:, 0].tolist() == [0, 1]


def test_the_table_grows_and_keeps_what_it_has() -> None:
    table = ItemTable()
    for number in range(3000):
        table.put_content(str(number), {"item_published_at": number, "item_title": f"t{number}"})
    assert len(table) == 3000
    assert table.column("item_published_at").tolist() == [*range(3000)]
    assert table.titles[2999] == "t2999"


def test_rows_are_replaced_one_at_a_time() -> None:
    table = ItemTable()
    table.put_content("a", {"item_categories": ["war"], "item_title": "old"})
    table.put_content("b", {"item_categories": ["drama"]})
    table.put_content("a", {"item_categories": [], "item_title": "new", "item_available": False})
    assert table.titles == ["new", ""]
    assert table.column("item_category_codes")[:, 0].tolist() == [0, 2]
    assert table.column("item_available").tolist() == [False, True]


def test_an_item_known_only_by_its_activity_is_available_and_has_no_vector() -> None:
    table = ItemTable()
    table.put_activity("a", {"item_activity_at": 5, "item_ctr_7d": 0.5})
    assert (table.column("item_available").all(), table.column("item_encoded").any()) == (True, False)
    assert table.column("item_ctr_7d").tolist() == [0.5]


def test_an_item_known_only_by_its_content_has_the_prior_click_rate() -> None:
    table = ItemTable()
    table.put_content("a", {})
    assert table.column("item_ctr_7d").tolist() == [0.05]


def test_more_categories_than_a_ranking_looks_at_are_cut() -> None:
    table = ItemTable()
    table.put_content("a", {"item_categories": [f"c{n}" for n in range(20)]})
    assert table.column("item_category_codes").tolist() == [[*range(1, ITEM_CATEGORIES + 1)]]


def test_another_models_vectors_replace_all_of_the_first() -> None:
    table = ItemTable()
    table.put_vectors(["a", "b"], np.ones((2, VECTOR_SIZE), np.float32))
    table.replace_vectors(["b", "c"], np.full((2, VECTOR_SIZE), 2, np.float32))
    assert table.vectors(["a", "b", "c"])[:, 0].tolist() == [0, 2, 2]
    assert table.column("item_encoded").tolist() == [False, True, True]
