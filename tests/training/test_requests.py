"""What was shown, when it was decided, and what nobody wanted of it."""

from typing import Any

import pandas as pd

from training.requests import decided, passed_over


def log(*rows: tuple[str, str, str, str, int, int | None]) -> pd.DataFrame:
    """User, request, item, action, time (ms) and position; a user's stamps rise by a microsecond a row."""
    found = pd.DataFrame(rows, columns=["user_id", "request_id", "item_id", "action", "timestamp", "position"])
    stamps = pd.to_datetime(found.timestamp * 1000 + range(len(found)), unit="us", utc=True)
    return found.assign(event_timestamp=stamps.astype("datetime64[us, UTC]"))


SLATE = [
    ("u", "r", "a", "impression", 10, 2),
    ("u", "r", "b", "impression", 10, 0),
    ("u", "r", "c", "impression", 11, 1),
    ("u", "r", "d", "impression", 10, None),
    ("u", "r", "c", "click", 50, None),
    ("u", "r", "b", "dismiss", 51, None),
    ("u", "r", "a", "like", 60, None),
]


def labels(found: pd.DataFrame) -> pd.DataFrame:
    return found[found.action.isin(["click", "like"])].reset_index(drop=True)


def rivals(found: pd.DataFrame, most: int = 9) -> dict[int, list[Any]]:
    return passed_over(labels(found), found, most).groupby("label").item_id.agg(list).to_dict()


def test_what_a_label_beat_is_the_rest_of_its_slate_that_nobody_wanted() -> None:
    assert rivals(log(*SLATE)) == {0: ["b", "d"], 1: ["b", "d"]}


def test_there_are_at_most_so_many_the_first_of_the_slate() -> None:
    assert rivals(log(*SLATE), 1) == {0: ["b"], 1: ["b"]}


def test_slates_of_others_and_labels_without_a_request_have_none() -> None:
    others = [("u", "", "x", "click", 70, None), ("v", "r", "x", "click", 70, None), ("u", "s", "x", "click", 70, None)]
    assert set(rivals(log(*SLATE, *others))) == {0, 1}


def test_a_label_is_decided_before_the_first_impression_of_its_request() -> None:
    found = log(*SLATE, ("u", "unknown", "x", "click", 70, None), ("u", "", "x", "click", 80, None))
    made = decided(labels(found), found)
    assert made.decided_at.tolist() == [10, 10, 70, 80]
    assert made.event_timestamp.tolist() == found.event_timestamp[[0, 0, 7, 8]].tolist()
    assert made.timestamp.tolist() == [50, 60, 70, 80]


def test_an_impression_that_came_after_its_click_does_not_make_it_later() -> None:
    found = log(("u", "r", "a", "click", 5, None), ("u", "r", "a", "impression", 10, 0))
    made = decided(labels(found), found)
    assert made.decided_at.tolist() == [5] and made.event_timestamp[0] == found.event_timestamp[0]


def test_a_log_without_requests_changes_nothing() -> None:
    found = log(("u", "", "a", "click", 5, None))
    made = decided(labels(found), found)
    assert made.decided_at.tolist() == [5] and made.decided_at.dtype == "int64"
    assert passed_over(labels(found), found, 9).empty
