"""Gorse's feedback, items and users -> our events, as its REST API takes them (0.4 and 0.5).

The format: https://gorse.io/docs/concepts/data-source.html. Each function makes a body of our own and hands it to
``streaming.events``, which checks it like any other.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from serving.adapters.actions import action_of
from serving.adapters.attributes import attributes
from serving.adapters.event_ids import event_id
from streaming import events
from streaming.events import Action, InvalidEvent, Publishable

_EPOCH = re.compile(r"[0-9]{10}(?:[0-9]{3})?")  # seconds or milliseconds


class Feedback(msgspec.Struct, rename="pascal"):
    """Something a user did with an item."""

    feedback_type: str
    user_id: str
    item_id: str
    value: float | None = None
    timestamp: str = ""
    comment: str = ""


class Item(msgspec.Struct, rename="pascal"):
    """A catalogue entry."""

    item_id: str
    is_hidden: bool = False
    categories: list[str] | None = None
    labels: Any = None
    timestamp: str = ""
    comment: str = ""


class User(msgspec.Struct, rename="pascal"):
    """What is known of a user; ``Comment`` and ``Subscribe`` are ignored."""

    user_id: str
    labels: Any = None


Body = TypeVar("Body", Feedback, Item, User)
_feedback, _item, _user = msgspec.json.Decoder(Feedback), msgspec.json.Decoder(Item), msgspec.json.Decoder(User)


def feedback(raw: bytes, now_ms: int, actions: Mapping[str, Action]) -> Sequence[Publishable]:
    """One piece of feedback as an interaction. Raises InvalidEvent."""
    given = _decode(_feedback, raw)
    body = {
        "event_id": event_id("gorse", given.feedback_type, given.user_id, given.item_id, given.timestamp),
        "user_id": given.user_id,
        "item_id": given.item_id,
        "action": action_of(given.feedback_type, actions),
        "timestamp": _when(given.timestamp),
        "value": given.value,
        "context": {"comment": given.comment} if given.comment else None,
    }
    return [events.interaction(events.encode(body), now_ms)]


def item(raw: bytes, now_ms: int) -> Sequence[Publishable]:
    """One item; its comment is the title, its time is when it was published. Raises InvalidEvent."""
    given = _decode(_item, raw)
    body = {
        "item_id": given.item_id,
        "title": given.comment,
        "categories": list(dict.fromkeys([*(given.categories or []), *_tags(given.labels)])),
        "attributes": {} if isinstance(given.labels, list) else dict(attributes("", given.labels)),
        "published_at": _when(given.timestamp),
        "hidden": given.is_hidden,
    }
    return [events.item(events.encode(body), now_ms)]


def user(raw: bytes, now_ms: int) -> Sequence[Publishable]:
    """One user; labels are the attributes. Raises InvalidEvent."""
    given = _decode(_user, raw)
    name = "" if isinstance(given.labels, dict) else "label"
    body = {"user_id": given.user_id, "attributes": dict(attributes(name, given.labels))}
    return [events.user(events.encode(body), now_ms)]


def _decode(decoder: "msgspec.json.Decoder[Body]", raw: bytes) -> Body:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(str(error)) from error


def _tags(labels: Any) -> list[str]:
    return [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []


def _when(written: str) -> int | str | None:
    if _EPOCH.fullmatch(written):
        return int(written) * (1000 if len(written) == 10 else 1)
    return written or None
