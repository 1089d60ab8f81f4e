"""Gorse's feedback, items and users as ours."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.adapters import gorse
from serving.adapters.actions import ACTIONS
from streaming.events import InvalidEvent
from tests.serving.adapters.bodies import NOW, example
from tests.serving.adapters.test_metarank import anything

STAR, _, READ = example("gorse-feedback")
(ITEM,) = example("gorse-items")
(USER,) = example("gorse-users")


def feedback(body: Any, /, **changes: Any) -> Any:
    (event,) = gorse.feedback(json.dumps(body | changes).encode(), NOW, ACTIONS)
    return event


def item(**changes: Any) -> Any:
    (entry,) = gorse.item(json.dumps(ITEM | changes).encode(), NOW)
    return entry


def user(**changes: Any) -> Any:
    (profile,) = gorse.user(json.dumps(USER | changes).encode(), NOW)
    return profile


def test_feedback_of_their_documentation_is_an_interaction() -> None:
    event = feedback(STAR)
    assert (event.user_id, event.item_id, event.action, event.timestamp) == (
        "bob",
        "vuejs:vue",
        "like",
        1_645_660_800_000,
    )
    assert (feedback(READ).action, feedback(READ).value, feedback(READ).timestamp) == ("view", 1.0, 1_635_057_740_207)


def test_the_same_feedback_has_the_same_event_id_and_a_later_one_another() -> None:
    assert feedback(STAR).event_id == feedback(STAR, Value=2).event_id
    assert feedback(STAR).event_id != feedback(STAR, Timestamp="2022-02-25").event_id
    assert feedback(STAR).event_id != feedback(STAR, FeedbackType="read").event_id


def test_feedback_without_a_time_happens_now_and_once() -> None:
    first = feedback(STAR, Timestamp="")
    assert (first.timestamp, first.event_id) == (NOW, feedback(STAR, Timestamp="").event_id)


@pytest.mark.parametrize("written", ["1645660800", "1645660800000", "2022-02-24T00:00:00+00:00"])
def test_times_are_epoch_or_iso(written: str) -> None:
    assert feedback(STAR, Timestamp=written).timestamp == 1_645_660_800_000


def test_a_comment_is_context() -> None:
    assert feedback(STAR, Comment="nice").context == {"comment": "nice"}


def test_an_item_of_the_page_is_an_item() -> None:
    entry = item()
    assert (entry.item_id, entry.title, entry.hidden) == ("vuejs:vue", ITEM["Comment"], False)
    assert entry.categories == ["frontend", "javascript", "framework"]
    assert entry.published_at == 1_375_068_291_000


def test_labels_that_are_an_object_are_attributes() -> None:
    labels = {"topics": ["ui", "web"], "stars": 200, "embedding": [0.1, 0.2], "owner": {"country": "CN"}}
    entry = item(Labels=labels, Categories=None, IsHidden=True)
    assert entry.attributes == {"topics:ui": "yes", "topics:web": "yes", "stars": 200.0, "owner.country": "CN"}
    assert (entry.categories, entry.hidden) == ([], True)


def test_a_users_labels_are_attributes() -> None:
    assert user().attributes == {"language": "javascript", "followers": 12.0}
    assert user(Labels=["a", "b"]).attributes == {"label:a": "yes", "label:b": "yes"}
    assert user(Labels=None).attributes == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"FeedbackType": "listen"}, "unknown action 'listen'"),
        ({"UserId": ""}, r"\$.user_id"),
        ({"ItemId": 7}, r"\$.ItemId"),
        ({"Timestamp": "24/02/2022"}, "neither ISO 8601"),
        ({"Timestamp": "2030-01-01"}, "a day ahead"),
        ({"Comment": "a\0b"}, "NUL"),
    ],
)
def test_feedback_that_cannot_be_used_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        feedback(STAR, **changes)


@given(st.sampled_from([STAR, ITEM, USER]), st.data())
def test_whatever_is_sent_is_read_or_refused(body: dict[str, Any], data: st.DataObject) -> None:
    changed = body | {data.draw(st.sampled_from(sorted(body))): data.draw(anything), "Labels": data.draw(anything)}
    raw = json.dumps(changed).encode()
    for read in (lambda: gorse.feedback(raw, NOW, ACTIONS), lambda: gorse.item(raw, NOW), lambda: gorse.user(raw, NOW)):
        try:
            read()
        except InvalidEvent as refusal:
            assert str(refusal)
