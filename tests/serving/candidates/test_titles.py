"""Finding items by the words of their titles."""

import pytest

from feature_repo.item_table import ItemTable
from tests.serving.candidates.worlds import named, table_of, titles_of


def library() -> ItemTable:
    table = table_of(wars=0, trek=1, amelie=2, nothing=3)
    table.put_content("wars", {"item_title": "Star Wars (1977)"}, 1)
    table.put_content("trek", {"item_title": "Star Trek: First Contact"}, 1)
    table.put_content("amelie", {"item_title": "Amélie"}, 1)
    return table


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("star wars", ["wars", "trek"]),  # all words before some
        ("STAR tr", ["trek", "wars"]),  # the last word may be begun
        ("amelie", ["amelie"]),
        ("1977", ["wars"]),
        ("tea", []),
        ("", []),
        ('" OR (* NEAR -', []),
        ("title:wars AND", ["wars"]),
    ],
)
def test_titles_are_found_by_what_people_type(text: str, found: list[str]) -> None:
    table = library()
    assert named(table, titles_of(table).search(text, 10)) == found


def test_a_changed_title_is_found_by_its_new_words_alone() -> None:
    table = library()
    titles = titles_of(table)
    table.put_content("wars", {"item_title": "A New Hope"}, 2)
    assert titles.follow(titles.look()) == 1
    assert named(table, titles.search("hope", 10)) == ["wars"] and named(table, titles.search("wars", 10)) == []


def test_hidden_items_are_not_found() -> None:
    table = library()
    titles = titles_of(table)
    table.put_content("wars", {"item_title": "Star Wars", "item_available": False}, 2)
    assert named(table, titles.search("wars", 10)) == []


def test_what_has_not_changed_is_not_written_again() -> None:
    titles = titles_of(library())
    assert titles.follow(titles.look()) == 0
