"""Which dead letters can go back, and under which key."""

import pytest

from streaming.dead_letters import line
from streaming.events import InvalidEvent
from streaming.replay import Letter, repaired_key, waiting

T = 1_750_000_000_000


def letter(topic: str, value: bytes, key: bytes | None = None) -> Letter:
    return Letter("0/1", topic, 2, 3, "because", key, value, T)


def test_an_interaction_goes_back_under_its_user() -> None:
    value = b'{"user_id": "7", "item_id": "1", "action": "view"}'
    assert repaired_key(letter("interactions", value, b"wrong")) == b"7"


def test_a_merge_goes_back_under_its_session() -> None:
    value = b'{"action": "merge", "session_id": "s", "user_id": "7"}'
    assert repaired_key(letter("interactions", value, b"7")) == b"session:s"


def test_what_still_cannot_be_read_stays() -> None:
    for topic in ("interactions", "items", "users"):
        with pytest.raises(InvalidEvent):
            repaired_key(letter(topic, b"nonsense"))


def test_the_workers_own_envelopes_do_not_go_back() -> None:
    with pytest.raises(InvalidEvent, match="interactions-by-item"):
        repaired_key(letter("interactions-by-item", b""))


def test_a_message_that_was_buried_twice_is_one_letter() -> None:
    first = letter("interactions", b"x")
    again, other = first._replace(place="0/2", buried_ms=T + 1), first._replace(place="0/3", offset=4)
    assert waiting([again, first, other], set()) == [first, other]
    assert waiting([again, first, other], {"0/2"}) == waiting([again, first, other], {"0/1"}) == [other]


def test_a_line_says_where_from_why_and_what() -> None:
    assert line(letter("items", b"x" * 100)) == f"items/2@3  because  {b'x' * 60!r}"
