"""What a batch is: everything that lies in the buffer, and nothing of an old assignment."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from streaming.batches import batches


class Buffered:
    """A stream over a buffer, as far as batches() looks at one."""

    def __init__(self, events: list[Any]) -> None:
        self.channel = SimpleNamespace(queue=asyncio.Queue())
        for event in events:
            self.channel.queue.put_nowait(event)

    def noack(self) -> "Buffered":
        return self

    async def events(self) -> AsyncIterator[Any]:
        while not self.channel.queue.empty():
            yield self.channel.queue.get_nowait()


def event(offset: int, generation: int = 1, tracked: bool = False) -> Any:
    return SimpleNamespace(message=SimpleNamespace(offset=offset, generation_id=generation, tracked=tracked))


def taken(events: list[Any], size: int) -> tuple[list[list[int]], list[int]]:
    """Offsets of the batches, and of the messages the consumer was told to track."""
    tracked: list[int] = []
    app: Any = SimpleNamespace(
        flow_control=SimpleNamespace(is_active=lambda: True),
        consumer_generation_id=1,
        consumer=SimpleNamespace(track_message=lambda message: tracked.append(message.offset)),
    )

    async def take() -> list[list[int]]:
        stream: Any = Buffered(events)
        return [[each.message.offset for each in batch] async for batch in batches(app, stream, size)]

    return asyncio.run(take()), tracked


def test_a_batch_is_what_lies_in_the_buffer() -> None:
    assert taken([event(0), event(1), event(2)], 10)[0] == [[0, 1, 2]]


def test_a_batch_is_no_larger_than_asked_for() -> None:
    assert taken([event(offset) for offset in range(5)], 2)[0] == [[0, 1], [2, 3], [4]]


def test_events_of_an_old_assignment_are_dropped() -> None:
    assert taken([event(0), event(1, generation=0), event(2)], 10)[0] == [[0, 2]]


def test_what_is_taken_from_the_buffer_is_tracked_until_acknowledged() -> None:
    assert taken([event(0, tracked=True), event(1), event(2, tracked=True)], 10)[1] == [1]
