"""POST /v1/events, /v1/items, /v1/users: what happened, into the broker."""

from uuid import uuid4

import msgspec
from fastapi import Request, Response

from serving import strict
from serving.as_json import as_json
from serving.ingest import Parse, Receipt, one
from serving.receive import receive
from streaming import events


async def take_interactions(request: Request) -> Response:
    """Take what users did, and which sessions turned out to be theirs."""
    return await _take(request, one(strict.interaction_or_merge), events.TOPIC_INTERACTIONS)


async def take_items(request: Request) -> Response:
    """Take catalogue entries, new or changed."""
    return await _take(request, one(strict.item), events.TOPIC_ITEMS)


async def take_users(request: Request) -> Response:
    """Take user profiles, new or changed."""
    return await _take(request, one(strict.user), events.TOPIC_USERS)


async def _take(request: Request, parse: Parse, topic: str) -> Response:
    return answer(await receive(request, parse, topic))


def answer(receipt: Receipt) -> Response:
    named = msgspec.structs.replace(receipt, request_id=uuid4().hex)
    return as_json(named)
