"""POST /v1/events, /v1/items, /v1/users: what happened, into the broker; DELETE of items and users: tombstones."""

import time

import msgspec
from fastapi import Request, Response

from serving.body import read
from serving.errors import BrokerUnavailable
from serving.ingest import Parse, Receipt, publish, split
from streaming import events


async def take_interactions(request: Request) -> Response:
    """Take what users did."""
    return await _take(request, events.interaction, events.TOPIC_INTERACTIONS)


async def take_items(request: Request) -> Response:
    """Take catalogue entries, new or changed."""
    return await _take(request, events.item, events.TOPIC_ITEMS)


async def take_users(request: Request) -> Response:
    """Take user profiles, new or changed."""
    return await _take(request, events.user, events.TOPIC_USERS)


async def delete_item(request: Request) -> Response:
    """Remove an item from every ranking."""
    return await _delete(request, events.TOPIC_ITEMS, request.path_params["item_id"])


async def delete_user(request: Request) -> Response:
    """Forget a user's profile."""
    return await _delete(request, events.TOPIC_USERS, request.path_params["user_id"])


async def _take(request: Request, parse: Parse, topic: str) -> Response:
    state = request.state
    body = await read(request, state.settings.max_body_bytes)
    raws = split(body, "ndjson" in request.headers.get("content-type", ""))
    now_ms = time.time_ns() // 1_000_000
    receipt = await publish(raws, parse, state.neighbours.bus, now_ms, state.settings.max_batch_events)
    return _answer(request, topic, receipt)


async def _delete(request: Request, topic: str, key: str) -> Response:
    (problem,) = await request.state.neighbours.bus.deliver([events.Deletion(topic, key)])
    if problem:
        raise BrokerUnavailable(f"the broker did not acknowledge the deletion: {problem}")
    return _answer(request, topic, Receipt(1, []))


def _answer(request: Request, topic: str, receipt: Receipt) -> Response:
    counted = request.state.metrics.events
    counted.labels(topic, "accepted").inc(receipt.accepted)
    counted.labels(topic, "rejected").inc(len(receipt.rejected))
    request.state.line = f" accepted={receipt.accepted} rejected={len(receipt.rejected)}"
    return Response(msgspec.json.encode(receipt), media_type="application/json")
