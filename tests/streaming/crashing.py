"""The worker without Faust: the same trackers and the same order of steps, with a crash wherever a test wants one."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from feature_repo.features import item_activity, item_content, user_activity
from feature_repo.online import Row
from streaming.by_item import Envelope, envelopes
from streaming.events import Interaction, Merge
from streaming.forget import Forget, ForgetVisits
from streaming.item_activity import Advanced as AdvancedItems
from streaming.item_activity import ItemTracker
from streaming.merge import Message
from streaming.offline_log import OfflineLog
from streaming.user_activity import Advanced, Delivery, UserTracker
from tests.fakes import MemoryErasures, MemoryRows

PARTITIONS, LOG = 2, 11


class Crash(Exception):
    """The worker is gone between two steps."""


class Step(NamedTuple):
    """One batch: how many events of each partition, which side effect the worker dies before, if its offsets get
    committed although it lives."""

    size: int
    dies_before: int
    commits: bool


@dataclass
class Broker:
    """Topics as lists; what is committed is not delivered again."""

    interactions: list[list[Message]]  # [partition][offset]
    by_item: list[list[Envelope]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    committed: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    committed_by_item: list[int] = field(default_factory=lambda: [0] * PARTITIONS)


class Fuse:
    """Counts side effects and raises before the one that shall not happen; burns once."""

    def __init__(self) -> None:
        self.left = -1

    def around(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def fused(*arguments: object, **named: object) -> Any:
            self.left -= 1
            if self.left == -1:
                raise Crash
            return effect(*arguments, **named)

        return fused


class Stores:
    """What survives a crash: online rows and the offline log, each write through the fuse."""

    def __init__(self, folder: Path, categories: dict[str, list[str]]) -> None:
        self.fuse = Fuse()
        self.users, self.items, self.contents = map(MemoryRows, (user_activity, item_activity, item_content))
        self.contents.write([Row(item_id, 1, {"item_categories": each}) for item_id, each in categories.items()])
        self.offline, self.erasures = OfflineLog(folder), MemoryErasures()
        for store, name in (
            (self.users, "write"),
            (self.items, "write"),
            (self.offline, "append"),
            (self.erasures, "reach"),
            (self.users, "erase"),
        ):
            setattr(store, name, self.fuse.around(getattr(store, name)))


class Worker:
    """A worker that starts at what is committed."""

    def __init__(self, broker: Broker, stores: Stores) -> None:
        self.broker, self.fuse = broker, stores.fuse
        self.users = UserTracker(stores.users, stores.contents, stores.offline, LOG, 100, stores.erasures)
        self.items = ItemTracker(stores.items, stores.offline, 100, stores.erasures)
        self.at, self.at_by_item = list(broker.committed), list(broker.committed_by_item)

    def step(self, size: int, commits: bool) -> None:
        """One batch of each topic: advance, hand over, log, write, pass on, acknowledge."""
        self.finish(*self.take(size), commits)
        self.finish_items(*self.take_items(size), commits)

    def take(self, size: int) -> tuple[list[Delivery], Advanced]:
        """A batch of interactions and what it leads to; nothing of it is stored yet."""
        deliveries = [
            Delivery(partition, offset, event)
            for partition, events in enumerate(self.broker.interactions)
            for offset, event in list(enumerate(events))[self.at[partition] :][:size]
        ]
        return deliveries, self.users.advance(deliveries)

    def finish(self, deliveries: Sequence[Delivery], advanced: Advanced, commits: bool) -> None:
        """Hand sessions over, store it, pass it on, acknowledge it."""
        for handover in advanced.handovers:
            self.fuse.around(self.broker.interactions[place_of(handover.key)].append)(handover)
        self.users.store(advanced)
        for to, sealed in envelopes(LOG, advanced.entries, PARTITIONS).items():
            for envelope in sealed:
                self.fuse.around(self.broker.by_item[to].append)(envelope)
        for delivery in deliveries:
            self.at[delivery.partition] = delivery.offset + 1
        if commits:
            self.broker.committed = list(self.at)

    def take_items(self, size: int) -> tuple[list[list[Envelope]], AdvancedItems]:
        """A batch of envelopes of each partition and what they lead to."""
        batch = [topic[at:][:size] for topic, at in zip(self.broker.by_item, self.at_by_item, strict=True)]
        return batch, self.items.advance([envelope for inside in batch for envelope in inside])

    def finish_items(self, batch: Sequence[Sequence[Envelope]], advanced: AdvancedItems, commits: bool) -> None:
        """Store it, acknowledge it."""
        self.items.store(advanced)
        self.at_by_item = [at + len(inside) for at, inside in zip(self.at_by_item, batch, strict=True)]
        if commits:
            self.broker.committed_by_item = list(self.at_by_item)

    def done(self) -> bool:
        topics = [*self.broker.interactions, *self.broker.by_item]
        return [*self.at, *self.at_by_item] == [len(topic) for topic in topics]


def run(broker: Broker, stores: Stores, steps: Sequence[Step]) -> int:
    """Work through the steps, a new worker after each crash, then to the end; returns how many crashed."""
    worker, crashes = Worker(broker, stores), 0
    for step in steps:
        stores.fuse.left = step.dies_before
        try:
            worker.step(step.size, step.commits)
        except Crash:
            worker, crashes = Worker(broker, stores), crashes + 1
    stores.fuse.left = -1
    while not worker.done():
        worker.step(50, True)
    return crashes


def partitioned(events: Sequence[Interaction | Merge | Forget | ForgetVisits]) -> list[list[Message]]:
    """The topic: every user's events in one partition."""
    topic: dict[int, list[Message]] = defaultdict(list)
    for event in events:
        topic[place_of(event.key)].append(event)
    return [topic[partition] for partition in range(PARTITIONS)]


def place_of(key: str) -> int:
    """The partition of a key."""
    return len(key) % PARTITIONS
