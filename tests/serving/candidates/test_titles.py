"""Finding items by the words of their titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_a_rare_word_counts_more_than_one_that_all_have() -> None:
    table = table_of(**{f"t{place}": place for place in range(30)})
    for place in range(30):
        table.put_content(f"t{place}", {"item_title": f"The Film {place}"}, 1)
    assert named(table, titles_of(table).search("the unknown 17 film", 3))[0] == "t17"


def test_a_search_that_takes_too_long_is_given_up_and_the_next_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.candidates.titles.STEPS", 1)
    table = library()
    titles = titles_of(table)
    with pytest.raises(TimeoutError, match="took too long"):
        titles.search("star wars", 10, seconds=-1)
    assert named(table, titles.search("wars", 10)) == ["wars"]


@given(st.text(max_size=30))
def test_whatever_is_typed_is_searched(text: str) -> None:
    assert len(TITLES.search(text, 5)) <= 5
    assert len(TITLES.search(f"star {text}", 5)) <= 5


TITLES = titles_of(library())
