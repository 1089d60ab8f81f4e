"""A request's events -> the broker -> a receipt, counted in the metrics and the log line."""

import time

from fastapi import Request

from serving.body import read
from serving.errors import BrokerUnavailable
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


async def tombstone(request: Request, topic: str, key: str) -> Receipt:
    """Delete the entry under ``key``."""
    return await deliver(request, events.Deletion(topic, key))


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
