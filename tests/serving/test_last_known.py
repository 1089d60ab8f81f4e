"""Users as they were last read."""

from serving.last_known import KEPT_MS, LastKnown
from serving.user_features import UserRows

ROWS = UserRows({"user_attributes": ["age=30"]}, {})


def test_the_users_read_last_are_kept() -> None:
    kept = LastKnown(2)
    for key in ("a", "b", "a", "c"):
        kept.put(key, ROWS)
    assert [kept.get(key) for key in ("a", "b", "c")] == [ROWS, None, ROWS] and len(kept) == 2


def test_rows_of_more_than_an_hour_ago_are_not_told() -> None:
    now = [0.0]
    kept = LastKnown(2, lambda: now[0])
    kept.put("a", ROWS)
    now[0] = KEPT_MS / 1000
    assert kept.get("a") is None


def test_without_room_nothing_is_kept() -> None:
    kept = LastKnown(0)
    kept.put("a", ROWS)
    assert kept.get("a") is None and len(kept) == 0
