"""A request's events -> the broker -> a receipt, counted in the metrics and the log line."""

import time
from uuid import uuid4

from fastapi import Request

from serving.body import read
from serving.errors import BrokerUnavailable, InvalidRequest
from serving.ingest import Parse, Receipt, publish, split
from streaming import events


async def receive(request: Request, parse: Parse, topic: str, whole: bool = False) -> Receipt:
    """The request's events, into the broker; counted under ``topic``."""
    state = request.state
    body = await read(request, state.settings.max_body_bytes)
    raws = split(body, "ndjson" in request.headers.get("content-type", ""))
    now_ms = time.time_ns() // 1_000_000
    receipt = await publish(raws, parse, state.neighbours.bus, now_ms, state.settings.max_batch_events, whole)
    _count(request, topic, receipt)
    return receipt


class Asked(Receipt, frozen=True):
    """A deletion that the broker has; under ``receipt_id`` what became of it can be read."""

    request_id: str
    receipt_id: str


async def tombstone(request: Request, topic: str, key: str) -> Asked:
    """Have whoever is under ``key`` forgotten. Raises InvalidRequest, ReceiptsUnavailable, BrokerUnavailable."""
    if len(key) > events.LONGEST_ID or "\0" in key:
        raise InvalidRequest(f"an id has at most {events.LONGEST_ID} characters, and no NUL among them")
    receipts = request.state.neighbours.receipts
    receipt_id = await receipts.ask("item" if topic == events.TOPIC_ITEMS else "user", key)
    try:
        receipt = await deliver(request, events.Deletion(topic, key, receipt_id))
    except BrokerUnavailable:
        await receipts.withdraw(receipt_id)
        raise
    return Asked(receipt.accepted, receipt.rejected, uuid4().hex, receipt_id)


async def deliver(request: Request, message: events.Publishable) -> Receipt:
    """One message of our own, into the broker; counted under its topic."""
    (problem,) = await request.state.neighbours.bus.deliver([message])
    if problem:
        kind = type(message).__name__.lower()
        raise BrokerUnavailable(f"the broker did not acknowledge the {kind}: {problem}")
    receipt = Receipt(1, [])
    _count(request, events.topic_of(message), receipt)
    return receipt


def _count(request: Request, topic: str, receipt: Receipt) -> None:
    """Into the metrics and the log line."""
    counted = request.state.metrics.events
    counted.labels(topic, "accepted").inc(receipt.accepted)
    counted.labels(topic, "rejected").inc(len(receipt.rejected))
    request.state.line = f" accepted={receipt.accepted} rejected={len(receipt.rejected)}"
