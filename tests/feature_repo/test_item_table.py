"""The catalogue in memory."""

import numpy as np

from feature_repo.item_table import ItemTable
from feature_repo.item_text import content_fingerprint
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


def test_an_unknown_row_finds_zeros_while_the_table_grows() -> None:
    table, nobody = ItemTable(), np.array([-1])
    for number in range(2100):
        table.put_content(f"i{number}", {"item_published_at": 5})
        table.put_vectors([f"i{number}"], ONES)
        if number in (0, 1022, 1023, 1024, 2045, 2046, 2047, 2048):
            assert table.at("item_published_at", np.array([number, -1])).tolist() == [5, 0]
            assert not table.rankable(nobody).any() and not table.at("item_vectors", nobody).any()
    assert table.rankable(np.arange(2100)).all() and table.rankable(slice(5, 10)).tolist() == [True] * 5


def test_what_has_a_vector_and_is_not_hidden_is_rankable_in_whatever_order_that_is_heard() -> None:
    table, a = ItemTable(), np.array([0])
    table.put_vectors(["a"], ONES)
    assert table.rankable(a)
    table.put_content("a", {"item_available": False})
    assert not table.rankable(a)
    table.put_vectors(["a"], ONES)
    assert not table.rankable(a)
    table.put_content("a", {})
    assert table.rankable(a)
    table.replace_vectors(["b"], ONES)
    assert table.rankable(np.array([0, 1])).tolist() == [False, True]
    table.put_content("a", {"item_title": "again"})
    assert not table.rankable(a)


def test_each_window_of_the_counters_is_a_column() -> None:
    table = ItemTable()
    for number in range(1030):
        counted = {f"item_actions_{window}": [number + n] * 8 for n, window in enumerate(("1h", "1d", "7d"))}
        table.put_activity(f"i{number}", counted)
    together = table.at("item_actions", np.array([3, 1029]))
    assert together[:, :, 0].tolist() == [[3, 4, 5], [1029, 1030, 1031]]
    assert table.column("item_actions_1d")[1029].tolist() == [1030] * 8


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


def test_a_vector_is_kept_with_the_fingerprint_of_what_it_was_made_of_and_the_items_place_in_its_model() -> None:
    table = ItemTable()
    table.put_content("c", {"item_title": "C"})
    table.replace_vectors(["a", "b"], np.ones((2, VECTOR_SIZE), np.float32), np.array([7, 8]))
    table.put_vectors(["c"], ONES, np.array([9]))
    assert table.ids == ["c", "a", "b"]
    assert table.column("item_vector_fingerprint").tolist() == [9, 7, 8]
    assert table.column("item_trained").tolist() == [0, 1, 2]
    assert table.column("item_fingerprint").tolist() == [content_fingerprint({"item_title": "C"}), 0, 0]


def test_a_row_is_kept_with_its_stamp() -> None:
    table = ItemTable()
    table.put_content("a", {}, stamp=5)
    found = [table.stamp("item_content", "a"), table.stamp("item_activity", "a"), table.stamp("item_content", "x")]
    assert found == [5, 0, 0]


def test_a_ranking_takes_no_book_keeping() -> None:
    table = ItemTable()
    table.put_vectors(["a"], ONES)
    taken = table.take(table.rows(["a"]))
    assert {"item_vectors", "item_ctr_7d", "item_content_stamp"} <= taken.keys()
    assert not {"item_encoded", "item_fingerprint", "item_vector_fingerprint", "item_trained"} & taken.keys()
