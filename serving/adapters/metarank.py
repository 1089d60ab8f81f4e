"""Metarank's events -> ours: item, user, ranking and interaction, as `/feedback` takes them.

The format: https://docs.metarank.ai/reference/event-schema (0.7). Each function makes a body of our own and hands it to
``streaming.events``, which checks it like any other.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from serving.adapters.actions import action_of
from serving.adapters.attributes import attributes
from serving.adapters.event_ids import event_id
from streaming import events
from streaming.events import Action, InvalidEvent, Publishable

TITLE, TEXT = ("title", "name"), ("description", "text")  # fields of an item, by what we make of them
CATEGORIES = ("categories", "category", "genres", "genre", "tags")
_MILLISECONDS = re.compile(r"[0-9]{1,15}")


class Field(msgspec.Struct):
    """A named value of any event."""

    name: str
    value: bool | float | str | list[str | float]


class Event(msgspec.Struct, tag_field="event"):
    """What all events have; ``tenant`` is ignored."""

    id: str
    timestamp: int | str
    fields: list[Field] = []

    @property
    def named(self) -> dict[str, Any]:
        return {field.name: field.value for field in self.fields}


class ItemEvent(Event, tag="item", kw_only=True):
    """What is known of an item."""

    item: str


class Metadata(ItemEvent, tag="metadata"):
    """An item event's older name."""


class UserEvent(Event, tag="user", kw_only=True):
    """What is known of a user."""

    user: str


class Feedback(Event, kw_only=True):
    """Something a user, or an anonymous session, saw or did."""

    user: str | None = None
    session: str | None = None


class Shown(msgspec.Struct):
    """An item of a ranking."""

    id: str
    relevancy: float | None = None


class Ranking(Feedback, tag="ranking", kw_only=True):
    """Items that were shown, in this order."""

    items: list[Shown]


class Interaction(Feedback, tag="interaction", kw_only=True):
    """Something that was done with an item."""

    item: str
    type: str
    ranking: str | None = None


Kind = ItemEvent | Metadata | UserEvent | Ranking | Interaction
_events: "msgspec.json.Decoder[Kind]" = msgspec.json.Decoder(Kind)


def messages(raw: bytes, now_ms: int, actions: Mapping[str, Action]) -> Sequence[Publishable]:
    """The messages one Metarank event stands for: one, or an impression per item of a ranking. Raises InvalidEvent."""
    try:
        event = _events.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(str(error)) from error
    match event:
        case ItemEvent():
            return [events.item(events.encode(_item(event)), now_ms)]
        case UserEvent():
            return [events.user(events.encode(_user(event)), now_ms)]
        case Ranking():
            return [events.interaction(events.encode(impression), now_ms) for impression in _impressions(event)]
        case Interaction():
            return [events.interaction(events.encode(_interaction(event, actions)), now_ms)]


def _item(event: ItemEvent) -> dict[str, Any]:
    named = event.named
    special = {*TITLE, *TEXT, *CATEGORIES, "published_at", "hidden"}
    return {
        "item_id": event.item,
        "title": ". ".join(_text(named[name]) for name in TITLE if name in named),
        "text": "\n".join(_text(named[name]) for name in TEXT if name in named),
        "categories": [text for name in CATEGORIES if name in named for text in _texts(named[name])],
        "attributes": _attributes({name: value for name, value in named.items() if name not in special}),
        "published_at": _when(named.get("published_at")),
        "hidden": named.get("hidden", False),
        "timestamp": _when(event.timestamp),
    }


def _user(event: UserEvent) -> dict[str, Any]:
    return {"user_id": event.user, "attributes": _attributes(event.named), "timestamp": _when(event.timestamp)}


def _impressions(event: Ranking) -> list[dict[str, Any]]:
    shared = _who(event) | {"action": "impression", "request_id": event.id}
    return [
        shared
        | {
            "event_id": event_id("metarank", event.id, position, shown.id),
            "item_id": shown.id,
            "position": position,
            "context": event.named | ({} if shown.relevancy is None else {"relevancy": shown.relevancy}),
        }
        for position, shown in enumerate(event.items)
    ]


def _interaction(event: Interaction, actions: Mapping[str, Action]) -> dict[str, Any]:
    context = event.named
    value = context.pop("value") if isinstance(context.get("value"), float) else None
    return _who(event) | {
        "event_id": event_id("metarank", event.id, event.type, event.item),
        "item_id": event.item,
        "action": action_of(event.type, actions),
        "value": value,
        "request_id": event.ranking,
        "context": context,
    }


def _who(event: Feedback) -> dict[str, Any]:
    if event.user is None and event.session is None:
        raise InvalidEvent("a ranking or an interaction needs a `user` or a `session`")
    return {"user_id": event.user, "session_id": event.session, "timestamp": _when(event.timestamp)}


def _when(written: Any) -> Any:
    """Epoch milliseconds, which Metarank prefers as a string, or ISO 8601 as it is."""
    if isinstance(written, str) and _MILLISECONDS.fullmatch(written):
        return int(written)
    return int(written) if isinstance(written, float) and written.is_integer() else written


def _attributes(named: Mapping[str, Any]) -> dict[str, str | float]:
    return dict(pair for name, value in named.items() for pair in attributes(name, value))


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _text(value: Any) -> str:
    return ", ".join(_texts(value))
