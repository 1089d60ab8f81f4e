"""item-changes -> the catalogue, in a thread that only reads; the event loop takes the rows over.

Read without a group, from the beginning: every API process sees every change, and the topic is compacted. The same
thread hears which users are forgotten from now on (tombstones on `users`).
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streaming.events import TOPIC_ITEM_CHANGES, TOPIC_USERS, InvalidEvent, ItemChange, item_change

POLL_MS = 200
CHUNK = 50  # changes taken over at once: a burst of thousands leaves room for rankings in between
RETRY = 1.0  # seconds until a broker that was away is tried again
log = logging.getLogger(__name__)
Receive = Callable[[list[ItemChange]], None]
Forget = Callable[[str], None]


class ItemChanges:
    """Reads item-changes until it is closed; a broker that is away is tried for ever."""

    def __init__(
        self, broker: str, receive: Receive, loop: asyncio.AbstractEventLoop, forget: Forget = lambda user_id: None
    ) -> None:
        self._broker = broker
        self._receive, self._forget = receive, forget
        self._loop = loop
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=TOPIC_ITEM_CHANGES, daemon=True)
        self.following = False  # whether a consumer is reading

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop reading; waits for the thread."""
        self._closing.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._follow()
            except KafkaError as error:
                log.warning("%s cannot be read from %s, trying again: %s", TOPIC_ITEM_CHANGES, self._broker, error)
            self.following = False
            self._closing.wait(RETRY)

    def _follow(self) -> None:
        consumer = open_consumer(self._broker)
        try:
            while not self._assign(consumer):
                if self._closing.wait(RETRY):
                    return
            self.following = True
            while not self._closing.is_set():
                self._hand_over(consumer.poll(timeout_ms=POLL_MS))
        finally:
            consumer.close()

    def _assign(self, consumer: Any) -> bool:
        """Take every partition, once the topics exist."""
        changes, users = (_places(consumer, topic) for topic in (TOPIC_ITEM_CHANGES, TOPIC_USERS))
        if changes and users:
            consumer.assign([*changes, *users])
            consumer.seek_to_beginning(*changes)
            consumer.seek_to_end(*users)
        return bool(changes and users)

    def _hand_over(self, polled: dict[Any, Sequence[Any]]) -> None:
        records = [record for records in polled.values() for record in records]
        for record in records:
            if record.topic == TOPIC_USERS and record.value is None and record.key:
                self._loop.call_soon_threadsafe(self._forget, record.key.decode(errors="replace"))
        changes = [change for record in records if record.topic != TOPIC_USERS for change in decoded(record)]
        for start in range(0, len(changes), CHUNK):
            taken = threading.Event()
            self._loop.call_soon_threadsafe(self._take, changes[start : start + CHUNK], taken)
            while not taken.wait(RETRY) and not self._closing.is_set():
                log.warning("%s waits for the event loop", TOPIC_ITEM_CHANGES)

    def _take(self, changes: list[ItemChange], taken: threading.Event) -> None:
        try:
            self._receive(changes)
        finally:
            taken.set()


def _places(consumer: Any, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic) or ())]


def open_consumer(broker: str) -> Any:
    """A consumer of its own, in no group."""
    return KafkaConsumer(
        bootstrap_servers=broker,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,  # Tansu hears of a change after half of it; 20 ms would cost 8 % of a core, this 3 %
        bootstrap_timeout_ms=2000,
    )


def decoded(record: Any) -> list[ItemChange]:
    """The change in a record; none where it is a tombstone or cannot be read (which is logged)."""
    if record.value is None:
        return []
    try:
        return [item_change(record.value)]
    except InvalidEvent as error:
        log.warning("%s offset %d is skipped: %s", TOPIC_ITEM_CHANGES, record.offset, error)
        return []
