"""Metarank's events as ours."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.adapters.actions import ACTIONS
from serving.adapters.metarank import messages
from streaming.events import Interaction as Ours
from streaming.events import InvalidEvent, Item, User
from tests.serving.adapters.bodies import NOW, example

ITEM, USER, RANKING, INTERACTION = example("metarank")
THEN = 1_599_391_467_000


def read(event: Any, /, **changes: Any) -> list[Any]:
    return list(messages(json.dumps(event | changes).encode(), NOW, ACTIONS))


def test_an_item_of_their_documentation_is_an_item() -> None:
    expected = {"color:white": "yes", "color:black": "yes", "is_cute": "true"}
    assert read(ITEM) == [Item(item_id="item1", title="You favourite cat", attributes=expected, timestamp=THEN)]


def test_fields_with_a_meaning_of_ours_find_their_place() -> None:
    fields = {"name": "Alien", "description": "In space", "genres": ["horror", "sci-fi"], "category": "film"}
    fields |= {"published_at": "1979-05-25", "hidden": True, "budget": 11}  # type: ignore[dict-item]
    (item,) = read(ITEM, fields=[{"name": name, "value": value} for name, value in fields.items()])
    assert (item.title, item.text, item.hidden) == ("Alien", "In space", True)
    assert sorted(item.categories) == ["film", "horror", "sci-fi"]
    assert item.published_at == 296_438_400_000
    assert item.attributes == {"budget": 11.0}


@pytest.mark.parametrize("written", [THEN, str(THEN), "2020-09-06T11:24:27Z"])
def test_a_time_of_publication_is_read_like_any_other(written: int | str) -> None:
    (item,) = read(ITEM, fields=[{"name": "published_at", "value": written}])
    assert item.published_at == THEN


def test_a_user_of_their_documentation_is_a_user() -> None:
    assert read(USER) == [User(user_id="user1", attributes={"age": 33.0, "gender": "m"}, timestamp=THEN)]


def test_a_ranking_is_an_impression_an_item_in_its_order() -> None:
    impressions = read(RANKING)
    assert [(each.item_id, each.position) for each in impressions] == [("item3", 0), ("item1", 1), ("item2", 2)]
    assert {(each.action, each.request_id, each.user_id, each.session_id) for each in impressions} == {
        ("impression", RANKING["id"], "user1", "session1")
    }
    assert impressions[0].context == {"query": "cat", "source": "search", "relevancy": 2.0}
    assert len({each.event_id for each in impressions}) == 3


def test_an_interaction_refers_to_its_ranking() -> None:
    (event,) = read(INTERACTION)
    assert isinstance(event, Ours)
    assert (event.action, event.item_id, event.request_id) == ("purchase", "item1", RANKING["id"])
    assert (event.timestamp, event.value, event.context) == (THEN, None, {"count": 1.0, "shipping": "DHL"})


def test_a_number_called_value_is_the_value() -> None:
    (event,) = read(INTERACTION, type="rate", fields=[{"name": "value", "value": 4}])
    assert (event.action, event.value, event.context) == ("rating", 4.0, {})


@pytest.mark.parametrize("event", [RANKING, INTERACTION], ids=["ranking", "interaction"])
def test_the_same_body_has_the_same_event_ids(event: Any) -> None:
    assert [each.event_id for each in read(event)] == [each.event_id for each in read(event)]


def test_an_id_used_for_two_items_is_two_events() -> None:
    assert read(INTERACTION)[0].event_id != read(INTERACTION, item="item2")[0].event_id


@pytest.mark.parametrize("written", [THEN, str(THEN), "2020-09-06T11:24:27Z"])
def test_times_are_read_as_metarank_reads_them(written: int | str) -> None:
    assert read(INTERACTION, timestamp=written)[0].timestamp == THEN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event": "purchase"}, "Invalid value 'purchase'"),
        ({"item": None}, r"`str`.*`\$.item`"),
        ({"user": None, "session": None}, "needs a `user` or a `session`"),
        ({"user": ""}, r"\$.user_id"),
        ({"type": "listen"}, "unknown action 'listen'"),
        ({"timestamp": "1599391467"}, "epoch milliseconds"),
        ({"timestamp": "9" * 5000}, "neither ISO 8601"),
        ({"timestamp": str(NOW + 10**9)}, "a day ahead"),
        ({"item": "a\0b"}, "NUL"),
        ({"fields": [{"name": "x", "value": None}]}, r"\$.fields"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        read(INTERACTION, **changes)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b'"x"', b"\xff", b'{"event": "user", "user": "\\ud800"}'])
def test_what_is_no_event_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidEvent):
        messages(raw, NOW, ACTIONS)


@given(st.sampled_from([ITEM, USER, RANKING, INTERACTION]), st.data())
def test_whatever_is_sent_is_read_or_refused(event: dict[str, Any], data: st.DataObject) -> None:
    changed = event | {data.draw(st.sampled_from(sorted(event))): data.draw(anything)}
    changed |= {"fields": [{"name": data.draw(st.text(max_size=9)), "value": data.draw(anything)}]}
    try:
        read(changed)
    except InvalidEvent as refusal:
        assert str(refusal)
