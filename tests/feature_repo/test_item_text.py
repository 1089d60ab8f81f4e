"""The text an item is encoded from."""

from feature_repo.item_text import item_text


def test_an_items_text_is_title_categories_and_description() -> None:
    assert item_text("Heat", "A heist.", ["crime", "drama"]) == "Heat. crime, drama. A heist."


def test_what_is_empty_leaves_no_trace() -> None:
    assert [item_text("Heat", " ", []), item_text("", "", [])] == ["Heat", ""]
