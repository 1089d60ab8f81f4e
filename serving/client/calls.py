"""The routes of the API, a function each: arguments -> Call. Client and AsyncClient have them as methods."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.parse import quote
from uuid import uuid4

import msgspec

from serving.client.answers import Asker, Known, Ranking, Receipt
from serving.client.call import Call
from serving.client.errors import Lost, NotTaken, Sent
from streaming.events import Interaction, Item, Merge, User

Answer = TypeVar("Answer")


class Asked(TypedDict, total=False):
    """What may be said of a ranking; ``user_id`` or ``session_id`` must be."""

    user_id: str
    session_id: str  # where no user is known
    k: int  # how many items
    offset: int  # how many of the best to leave out: the next page
    context: dict[str, Any]  # device, country, referrer, query, free keys
    surface: str  # where they are shown: its slate rules apply
    filter: str  # an expression on item attributes
    exclude: list[str]  # items not to be shown
    diversity: float  # 0 to 1
    explain: bool
    deadline_ms: int  # the whole of it must not take longer


def rank(items: Sequence[str], **asked: Unpack[Asked]) -> Call[Ranking]:
    """Order these items for a user."""
    return _ranking("/v1/rank", {"items": list(items), **asked}, asked)


def recommend(**asked: Unpack[Asked]) -> Call[Ranking]:
    """The best of the whole catalogue for a user."""
    return _ranking("/v1/recommend", dict(asked), asked)


def user(user_id: str) -> Call[Known]:
    """What is known of a user: features with their times, history. Raises Refused (404) for one never heard of."""
    return Call("GET", f"/v1/users/{_quoted(user_id)}", _reading(Known))


def events(events: Sequence[Interaction | Merge]) -> Call[int]:
    """Say what happened; returns how many were accepted. Raises NotTaken where not all were.

    Events without an ``event_id`` or a time get them here: however often they are sent, they count once.
    """
    return _sending("/v1/events", [completed(event) for event in events])


def items(entries: Sequence[Item]) -> Call[int]:
    """Add or change catalogue entries, each replaced as a whole. Raises NotTaken where not all were taken."""
    return _sending("/v1/items", entries)


def users(profiles: Sequence[User]) -> Call[int]:
    """Add or change user profiles, each replaced as a whole. Raises NotTaken where not all were taken."""
    return _sending("/v1/users", profiles)


def merge(session_id: str, user_id: str) -> Call[int]:
    """Fold an anonymous session into a user, once."""
    body = {"session_id": session_id, "event_id": uuid4().hex, "timestamp": _now()}
    return Call("POST", f"/v1/users/{_quoted(user_id)}/merge", lambda raw: _receipt(raw).accepted, body)


def delete_item(item_id: str) -> Call[dict[str, Any]]:
    """Remove an item from every ranking."""
    return Call("DELETE", f"/v1/items/{_quoted(item_id)}", _reading(dict[str, Any]))


def delete_user(user_id: str) -> Call[dict[str, Any]]:
    """Forget a user."""
    return Call("DELETE", f"/v1/users/{_quoted(user_id)}", _reading(dict[str, Any]))


def completed(event: Interaction | Merge) -> Interaction | Merge:
    """The event with its idempotency key and time, which must not change when it is sent again."""
    if event.event_id and event.timestamp is not None:
        return event
    when = _now() if event.timestamp is None else event.timestamp
    return msgspec.structs.replace(event, event_id=event.event_id or uuid4().hex, timestamp=when)


def _ranking(path: str, body: dict[str, Any], asked: Asked) -> Call[Ranking]:
    return Call("POST", path, partial(_ranked, msgspec.convert(asked, Asker)), body)


def _ranked(asker: Asker, raw: bytes) -> Ranking:
    return msgspec.structs.replace(_rankings(raw), asker=asker)


def _sending(path: str, messages: Sequence[Sent]) -> Call[int]:
    return Call("POST", path, partial(_taken, messages), [plain(each) for each in messages])


def _taken(messages: Sequence[Sent], raw: bytes) -> int:
    receipt = _receipt(raw)
    if receipt.rejected:
        raise NotTaken([Lost(messages[no.index], no.reason, no.retry) for no in receipt.rejected], receipt.accepted)
    return receipt.accepted


def plain(message: Sent) -> dict[str, Any]:
    """The message as JSON has it; raises TypeError for what JSON has not."""
    said: dict[str, Any] = msgspec.to_builtins(message)
    return {name: value for name, value in said.items() if value is not None}


def _reading(kind: type[Answer]) -> Callable[[bytes], Answer]:
    return msgspec.json.Decoder(kind).decode


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _now() -> int:
    return time.time_ns() // 1_000_000


_rankings, _receipt = _reading(Ranking), _reading(Receipt)
