"""What the agents share: how a batch is read, kept and passed on."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import faust
from faust.types import EventT, StreamT, TopicT

from feature_repo.erasure import Erasures, Task
from streaming import batches, by_item, forget
from streaming.by_item import Envelope
from streaming.dead_letters import Poison, bury
from streaming.events import (
    TOPIC_BY_ITEM,
    TOPIC_DEAD_LETTERS,
    TOPIC_INTERACTIONS,
    TOPIC_ITEM_CHANGES,
    InvalidEvent,
    ItemChange,
    encode,
)
from streaming.forget import ForgetVisits
from streaming.merge import Handover
from streaming.metrics import Metrics
from streaming.retry import StoreAway, insist
from streaming.settings import StreamSettings

log = logging.getLogger(__name__)

Parsed = TypeVar("Parsed")
Result = TypeVar("Result")


class Letters(NamedTuple):
    """A batch, read: what it says and what cannot be read."""

    good: list[Any]
    poison: list[Poison]


def read(batch: Iterable[EventT[Any]], parse: Callable[[EventT[Any], int], Parsed]) -> Letters:
    """Parse every event (with the time of arrival, epoch ms); never raises for one that cannot be parsed."""
    letters, now_ms = Letters([], []), time.time_ns() // 1_000_000
    for event in batch:
        try:
            letters.good.append(parse(event, now_ms))
        except InvalidEvent as error:
            letters.poison.append(Poison(event, str(error)))
    return letters


class Flow:
    """The app's topics and stores, as an agent uses them."""

    def __init__(
        self,
        app: faust.App,
        topics: Mapping[str, TopicT[Any]],
        settings: StreamSettings,
        metrics: Metrics,
        erasures: Erasures,
    ) -> None:
        self.partitions = settings.partitions
        self._app, self._topics, self._settings, self._erasures = app, topics, settings, erasures
        self.metrics = metrics

    async def batches(self, stream: StreamT[bytes], agent: str) -> AsyncIterator[list[EventT[bytes]]]:
        """The stream in unacknowledged batches."""
        sizes = self.metrics.batch.labels(agent)
        async for batch in batches.batches(self._app, stream, self._settings.batch_size):
            sizes.observe(len(batch))
            yield batch

    async def keep(self, action: Callable[[], Result], what: str) -> Result:
        """Do it, again while a store is away; raises StoreAway in the end."""
        with self.metrics.store.labels(what).time():
            return await insist(action, what, self._settings.write_retries, self.metrics.retries.labels(what).inc)

    async def hand_over(self, messages: Iterable[Handover | ForgetVisits]) -> None:
        """Give sessions, or what is to be forgotten, to the owners of their users; returns when the broker has it."""
        send = self._app.producer.send
        keyed = [(message.key.encode(), encode(message)) for message in messages]
        await _delivered([await send(TOPIC_INTERACTIONS, key, value, None, None, None) for key, value in keyed])

    async def forward(self, envelopes: Mapping[int, Sequence[Envelope]]) -> None:
        """Pass interactions on to the items' partitions; returns when the broker has them."""
        topic = self._topics[TOPIC_BY_ITEM]
        packed = [(to, by_item.encode(envelope)) for to, inside in envelopes.items() for envelope in inside]
        await _delivered([await topic.send(value=value, partition=to) for to, value in packed])

    async def announce(self, changes: Iterable[ItemChange]) -> None:
        """Tell the caches which item rows are new; returns when the broker has it."""
        send = self._app.producer.send  # a topic's own send costs several times as much a message
        keyed = [(f"{change.view}/{change.item_id}".encode(), encode(change)) for change in changes]
        await _delivered([await send(TOPIC_ITEM_CHANGES, key, value, None, None, None) for key, value in keyed])

    async def tell(self, tasks: Sequence[Task]) -> None:
        """Have the owners of these rows forget them; returns when the broker has it."""
        send, sent = self._app.producer.send, []
        for task in tasks:
            message = forget.message(task)
            if isinstance(message, forget.Forget):
                sent.append(await send(TOPIC_INTERACTIONS, message.key.encode(), encode(message), None, None, None))
            else:
                to = by_item.target(message.item_id, self.partitions)
                sent.append(await self._topics[TOPIC_BY_ITEM].send(value=encode(message), partition=to))
        await _delivered(sent)
        for task in tasks:
            await self.keep(lambda: self._erasures.told(task), "noting who was told to forget")  # noqa: B023

    async def bury(self, letters: Sequence[Poison]) -> None:
        """Put what cannot be used among the dead letters."""
        await bury(letters, self._topics[TOPIC_DEAD_LETTERS])
        for letter in letters:
            self.metrics.dead.labels(letter.event.message.topic).inc()

    async def watch(self, agent: Awaitable[None]) -> None:
        """Run an agent; whatever it raises stops the worker.

        Faust would start the agent again behind the batch. Items would then count what comes later, and take the
        skipped interactions for counted when they are delivered again.
        """
        try:
            await agent
        except Exception as error:
            trace = None if isinstance(error, StoreAway) else error  # that one says all there is to say
            log.critical("%s; the worker stops, its unacknowledged events will be read again", error, exc_info=trace)
            await self._app.crash(error)
            await asyncio.Event().wait()  # for the app to cancel the agent: it must not start again meanwhile


async def _delivered(sent: Iterable[Any]) -> None:
    for future in sent:
        await future
