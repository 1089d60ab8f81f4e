"""The routes of the API, a function each: arguments -> Call. Client and AsyncClient have them as methods."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, Unpack
from urllib.parse import quote
from uuid import uuid4

import msgspec

from serving.client.answers import Asker, Known, Ranking, Rankings, Receipt
from serving.client.asked import Asked, Page, Recommended, Searched
from serving.client.call import Call
from serving.client.erasures import Deletion, Erasure
from serving.client.errors import Lost, NotTaken, Sent
from streaming.events import Interaction, Item, Merge, User

Answer = TypeVar("Answer")


def rank(items: Sequence[str], dry_run: bool = False, **asked: Unpack[Asked]) -> Call[Ranking]:
    """Order these items for a user; a dry run tells what each stage changed, and is neither logged nor remembered."""
    return _ranking("/v1/rank", {"items": list(items), **asked}, _asker(asked), dry_run)


def recommend(dry_run: bool = False, **asked: Unpack[Recommended]) -> Call[Ranking]:
    """The best of the whole catalogue for a user; a dry run as of ``rank``."""
    return _ranking("/v1/recommend", dict(asked), _asker(asked, asked.get("query")), dry_run)


def batch(requests: Sequence[Recommended]) -> Call[list[Ranking]]:
    """Recommendations for many users, in the order of the requests."""
    askers = [_asker(each, each.get("query")) for each in requests]
    return Call("POST", "/v1/batch", partial(_batched, askers), {"requests": list(requests)})


def similar(item_id: str, **asked: Unpack[Page]) -> Call[Ranking]:
    """The items most like one. Raises Refused (404) where nobody knows it."""
    return _ranking("/v1/similar", {"item_id": item_id, **asked}, Asker(offset=asked.get("offset", 0)))


def search(query: str, **asked: Unpack[Searched]) -> Call[Ranking]:
    """What suits a text; with a user, what they like counts too. Events that cite it say the query."""
    return _ranking("/v1/search", {"query": query, **asked}, _asker(asked, query))


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


def delete_item(item_id: str) -> Call[Deletion]:
    """Forget an item: it is in no ranking any more."""
    return Call("DELETE", f"/v1/items/{_quoted(item_id)}", _reading(Deletion))


def delete_user(user_id: str) -> Call[Deletion]:
    """Forget a user, in every store."""
    return Call("DELETE", f"/v1/users/{_quoted(user_id)}", _reading(Deletion))


def receipt(receipt_id: str) -> Call[Erasure]:
    """What became of a deletion: what was removed where, and when. Raises Refused (404) where there is none."""
    return Call("GET", f"/v1/receipts/{_quoted(receipt_id)}", _reading(Erasure))


def completed(event: Interaction | Merge) -> Interaction | Merge:
    """The event with its idempotency key and time, which must not change when it is sent again."""
    if event.event_id and event.timestamp is not None:
        return event
    when = _now() if event.timestamp is None else event.timestamp
    return msgspec.structs.replace(event, event_id=event.event_id or uuid4().hex, timestamp=when)


def _ranking(path: str, body: dict[str, Any], asker: Asker, dry_run: bool = False) -> Call[Ranking]:
    return Call("POST", path, partial(_ranked, asker), body, {"dry_run": "1"} if dry_run else {})


def _ranked(asker: Asker, raw: bytes) -> Ranking:
    return msgspec.structs.replace(_read_ranking(raw), asker=asker)


def _batched(askers: Sequence[Asker], raw: bytes) -> list[Ranking]:
    paired = zip(_read_rankings(raw).rankings, askers, strict=True)
    return [msgspec.structs.replace(ranking, asker=asker) for ranking, asker in paired]


def _asker(asked: Searched, query: str | None = None) -> Asker:
    """Who asked, and of what moment: what was typed is part of it, wherever it was said."""
    context = asked.get("context")
    said = context if query is None else {**(context or {}), "query": query}
    return Asker(asked.get("user_id"), asked.get("session_id"), said, asked.get("offset", 0))


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


_read_ranking, _read_rankings, _receipt = _reading(Ranking), _reading(Rankings), _reading(Receipt)
