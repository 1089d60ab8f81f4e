"""a Faust stream -> lists of unacknowledged events, as many as have arrived."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from faust.types import EventT, StreamT

LINGER_S = 0.005  # a batch waits this long for company


async def batches(stream: StreamT[Any], size: int) -> AsyncIterator[list[EventT[Any]]]:
    """What lies in the stream's buffer, at most ``size`` events; the caller acknowledges them once they are stored.

    (``noack_take`` does the same through a second task and two events a message, at about half the speed.)
    """
    unacknowledged = stream.noack()
    buffer = unacknowledged.channel.queue
    batch: list[EventT[Any]] = []
    async for event in unacknowledged.events():
        batch.append(event)
        if len(batch) < size and buffer.empty():
            await asyncio.sleep(LINGER_S)
        if len(batch) >= size or buffer.empty():
            yield batch
            batch = []


def acknowledge(events: list[EventT[Any]]) -> None:
    """Allow the offsets of stored events to be committed."""
    for event in events:
        event.ack()
