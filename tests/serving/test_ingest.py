"""Bodies of one or many events, and what becomes of each."""

import pytest

from serving.errors import InvalidRequest
from serving.ingest import check, one, split
from streaming import events

ONE = b'{"user_id": "7", "item_id": "1", "action": "click"}'


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (ONE, 1),
        (b"[" + ONE + b"," + ONE + b"]", 2),
        (b"[]", 0),
        (ONE + b"\n" + ONE + b"\n", 2),
        (ONE + b"\r\n\r\n" + ONE, 2),
        (b'{"user_id": "7",\n "item_id": "1",\n "action": "click"}', 1),
        (b"  \n " + ONE, 1),
    ],
)
def test_one_event_an_array_and_json_lines_are_told_apart(body: bytes, count: int) -> None:
    assert len(split(body, lines=False)) == count


def test_said_to_be_json_lines_a_broken_line_spoils_only_itself() -> None:
    valid, rejected = check(split(ONE + b"\n{oops\n" + ONE, lines=True), one(events.interaction), now_ms=10**12)
    assert (sorted(valid), [each.index for each in rejected]) == ([0, 2], [1])


def test_seen_to_be_json_lines_a_broken_later_line_spoils_only_itself() -> None:
    valid, rejected = check(split(ONE + b"\n{oops", lines=False), one(events.interaction), now_ms=10**12)
    assert (sorted(valid), [each.index for each in rejected]) == ([0], [1])


@pytest.mark.parametrize("body", [b"", b"  ", b"{", b"[{]", b"nonsense", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        split(body, lines=False)


def test_the_reason_names_the_field() -> None:
    _, rejected = check([b'{"user_id": "7", "item_id": 1, "action": "click"}'], one(events.interaction), now_ms=10**12)
    assert rejected[0].reason == "Expected `str`, got `int` - at `$.item_id`"
