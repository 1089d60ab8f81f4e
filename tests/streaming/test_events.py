"""Messages: what is accepted, what is refused and with which words."""

import json
from typing import Any

import msgspec
import pytest

from streaming import events
from streaming.events import Deletion, Interaction, InvalidEvent, Item, ItemChange, Merge, User

NOW = 1_750_000_000_000


def raw(**fields: Any) -> bytes:
    return json.dumps({"user_id": "7", "item_id": "42", "action": "click"} | fields).encode()


def refused(message: bytes) -> str:
    with pytest.raises(InvalidEvent) as refusal:
        events.interaction(message, NOW)
    return str(refusal.value)


@pytest.mark.parametrize("when", [1_749_999_999_123, "2025-06-15T15:06:39.123Z", "2025-06-15T17:06:39.123+02:00"])
def test_a_time_is_epoch_milliseconds_or_iso_8601(when: int | str) -> None:
    assert events.interaction(raw(timestamp=when), NOW).timestamp == 1_749_999_999_123


def test_a_time_without_a_zone_is_utc() -> None:
    assert events.interaction(raw(timestamp="2025-06-15T15:06:39"), NOW).timestamp == 1_749_999_999_000


def test_a_missing_time_is_the_time_of_arrival() -> None:
    assert events.interaction(raw(), NOW).timestamp == NOW


@pytest.mark.parametrize("name", ["\0", "a\\\0", '"\0'])
def test_a_nul_character_is_refused_since_postgresql_does_not_keep_it(name: str) -> None:
    assert "NUL" in refused(raw(user_id=name))


def test_an_escaped_backslash_is_not_a_nul_character() -> None:
    assert events.interaction(raw(user_id="a\\u0000"), NOW).user_id == "a\\u0000"


def test_a_missing_event_id_is_made_up() -> None:
    assert len({events.interaction(raw(), NOW).event_id for _ in range(3)}) == 3


def test_a_complete_event_stays_as_it_is() -> None:
    message = Interaction(
        event_id="e", session_id="s", item_id="1", action="view", timestamp=NOW, value=2.5, position=0
    )
    assert events.interaction(events.encode(message), NOW) == message


def test_unknown_fields_are_ignored() -> None:
    assert events.interaction(raw(event_id="e", colour="red", timestamp=NOW), NOW).item_id == "42"


def test_an_anonymous_session_is_a_user_of_its_own() -> None:
    assert Interaction(session_id="7", item_id="1", action="view").key == "session:7"
    assert Interaction(session_id="7", user_id="7", item_id="1", action="view").key == "7"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"item_id": 42}, "Expected `str`, got `int` - at `$.item_id`"),
        ({"item_id": ""}, "length >= 1 - at `$.item_id`"),
        ({"item_id": "x" * 257}, "length <= 256 - at `$.item_id`"),
        ({"action": "stare"}, "Invalid enum value 'stare' - at `$.action`"),
        ({"position": -1}, "at `$.position`"),
        ({"position": 10**30}, "at `$.position`"),
        ({"value": "five"}, "Expected `float | null`, got `str` - at `$.value`"),
        ({"context": []}, "Expected `object | null`, got `array` - at `$.context`"),
        ({"timestamp": NOW // 1000}, "`timestamp` 1750000000 is not epoch milliseconds"),
        ({"timestamp": NOW * 1000}, "`timestamp` 1750000000000000 is not epoch milliseconds"),
        ({"timestamp": "yesterday"}, "`timestamp` 'yesterday' is neither ISO 8601 nor epoch milliseconds"),
        ({"timestamp": NOW + 2 * 86_400_000}, "more than a day ahead"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "is not epoch milliseconds between"),
        ({"timestamp": 1.5}, "at `$.timestamp`"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], words: str) -> None:
    assert words in refused(raw(**fields))


@pytest.mark.parametrize("field", ["item_id", "action"])
def test_a_missing_field_is_named(field: str) -> None:
    message = msgspec.json.decode(raw())
    del message[field]
    assert f"missing required field `{field}`" in refused(json.dumps(message).encode())


def test_somebody_must_have_done_it() -> None:
    assert "`user_id` or a `session_id`" in refused(b'{"item_id": "1", "action": "view"}')


@pytest.mark.parametrize(
    "message",
    [b"", b"\xff\xfe", b"null", b"[]", b"{", b'{"item_id": "\xff"}', b"[" * 100_000, raw(value=float("nan")),
     raw(value=float("inf")), raw()[:-1] + b', "value": 1e999}', b'{"item_id": "\\ud800"}'],
)  # fmt: skip
def test_what_is_not_a_message_is_an_invalid_event_and_no_other_error(message: bytes) -> None:
    assert refused(message)


def test_an_item_may_be_older_than_any_event() -> None:
    film = events.item(b'{"item_id": "1", "published_at": "1927-01-10"}', NOW)
    assert (film.published_at, film.timestamp) == (-1_356_220_800_000, NOW)


@pytest.mark.parametrize("published", [10**30, -(10**30), 4_102_444_800_001])
def test_an_item_of_an_impossible_time_is_refused(published: int) -> None:
    with pytest.raises(InvalidEvent, match="`published_at`"):
        events.item(json.dumps({"item_id": "1", "published_at": published}).encode(), NOW)


def test_an_oversized_text_is_refused() -> None:
    with pytest.raises(InvalidEvent, match=r"length <= 20000 - at `\$.text`"):
        events.item(json.dumps({"item_id": "1", "text": "x" * 20_001}).encode(), NOW)


def test_attributes_are_words_or_numbers() -> None:
    assert events.user(b'{"user_id": "7", "attributes": {"age": 30, "city": "Oslo"}}', NOW).attributes == {
        "age": 30.0,
        "city": "Oslo",
    }
    with pytest.raises(InvalidEvent, match="got `bool`"):
        events.user(b'{"user_id": "7", "attributes": {"vip": true}}', NOW)


def test_an_item_change_comes_back_as_it_was_sent() -> None:
    change = ItemChange("1", "item_activity", 5, {"item_ctr_7d": 0.5})
    assert events.item_change(events.encode(change)) == change
    with pytest.raises(InvalidEvent):
        events.item_change(b"{}")


def test_every_message_knows_its_topic_and_key() -> None:
    sent = [
        Interaction(user_id="7", item_id="1", action="view"),
        Interaction(session_id="s", item_id="1", action="view"),
        Merge(session_id="s", user_id="7"),
        Item(item_id="1"),
        User(user_id="7"),
        Deletion(events.TOPIC_ITEMS, "1"),
    ]
    assert [(events.topic_of(each), each.key) for each in sent] == [
        ("interactions", "7"),
        ("interactions", "session:s"),
        ("interactions", "session:s"),
        ("items", "1"),
        ("users", "7"),
        ("items", "1"),
    ]


def test_a_merge_is_told_from_an_interaction() -> None:
    sent = events.interaction_or_merge(events.encode(Merge(event_id="m", session_id="s", user_id="7")), NOW)
    assert isinstance(sent, Merge) and (sent.session_id, sent.user_id, sent.timestamp) == ("s", "7", NOW)
    assert sent.event_id == "m"
    assert isinstance(events.interaction_or_merge(raw(), NOW), Interaction)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user_id": None}, r"`\$.user_id`"),
        ({"user_id": "session:s"}, "cannot be merged into itself"),
        ({"session_id": ""}, r"`\$.session_id`"),
        ({"timestamp": NOW + events.AHEAD + 1}, "more than a day ahead"),
        ({"timestamp": "soon"}, "neither ISO 8601"),
    ],
)
def test_a_merge_that_cannot_be_used_says_why(change: dict[str, Any], reason: str) -> None:
    merge = {"action": "merge", "session_id": "s", "user_id": "7"} | change
    with pytest.raises(InvalidEvent, match=reason):
        events.interaction_or_merge(json.dumps(merge).encode(), NOW)


@pytest.mark.parametrize("message", [b"", b"[]", b"{", b'{"action": ["merge"]}', b"\xff", b"[" * 100_000])
def test_what_is_neither_is_refused(message: bytes) -> None:
    with pytest.raises(InvalidEvent):
        events.interaction_or_merge(message, NOW)


def test_media_vectors_are_numbers_of_sane_size_and_length() -> None:
    given = {"item_id": "1", "image_vector": [1, 0.5]}
    assert events.item(json.dumps(given).encode(), 5).image_vector == [1.0, 0.5]
    for wrong, words in (([0.0] * 4097, "length <= 4096"), ([1e7], "<= 1000000.0"), (["x"], "`float`")):
        with pytest.raises(InvalidEvent, match=words):
            events.item(json.dumps(given | {"image_vector": wrong}).encode(), 5)
