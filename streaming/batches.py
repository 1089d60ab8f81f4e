"""a Faust stream -> lists of unacknowledged events, as many as have arrived."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import faust
from faust.types import EventT, StreamT

LINGER_S = 0.005  # a batch waits this long for company


async def batches(app: faust.App, stream: StreamT[Any], size: int) -> AsyncIterator[list[EventT[Any]]]:
    """What lies in the stream's buffer, at most ``size`` events; the caller acknowledges them once they are stored.

    Faust hands over the first event of a batch; the others are taken from its buffer without a turn of the event loop
    each. (``noack_take`` does the same through a second task and two events a message, at a quarter of the speed.)
    """
    unacknowledged = stream.noack()
    buffer = unacknowledged.channel.queue
    async for event in unacknowledged.events():
        batch = [event]
        if buffer.empty():
            await asyncio.sleep(LINGER_S)
        batch.extend(_buffered(app, buffer, size - 1))
        yield batch


def _buffered(app: faust.App, buffer: asyncio.Queue[EventT[Any]], most: int) -> Iterator[EventT[Any]]:
    """Take what is there, as Faust's own iterator does: tracked until acknowledged, dropped if of an old assignment."""
    while most and not buffer.empty():
        event = buffer.get_nowait()
        message = event.message
        if not app.flow_control.is_active() or message.generation_id != app.consumer_generation_id:
            continue  # its partition may have gone to another worker, which reads it again
        if not message.tracked:
            message.tracked = True
            app.consumer.track_message(message)
        most -= 1
        yield event


def acknowledge(events: list[EventT[Any]]) -> None:
    """Allow the offsets of stored events to be committed."""
    for event in events:
        event.ack()
