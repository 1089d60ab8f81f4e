"""dead-letters -> letters -> what can be read by now goes back to its topic.

A letter that went back leaves a marker among the dead letters (header ``replayed``), so that it goes back once.
"""

from collections.abc import Iterator, Sequence, Set
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streaming import events, merge
from streaming.events import InvalidEvent
from streaming.patient_client import PatientClient

REPLAYED = "replayed"

Origin = tuple[str, int, int, bytes | None, bytes]


class Letter(NamedTuple):
    """A message nobody could use."""

    place: str  # partition/offset among the dead letters
    topic: str
    partition: int
    offset: int
    reason: str
    key: bytes | None
    value: bytes
    buried_ms: int

    @property
    def origin(self) -> Origin:
        """What tells messages apart: their place, and what they say (a topic that is made anew counts from 0 again)."""
        return self.topic, self.partition, self.offset, self.key, self.value


def letters(broker: str, topic: str | None = None) -> list[Letter]:
    """The messages that did not go back yet, in the order they were buried; of one topic, or all."""
    records = [(record, dict(record.headers)) for record in _records(broker, events.TOPIC_DEAD_LETTERS)]
    gone = {headers[REPLAYED].decode() for _, headers in records if REPLAYED in headers}
    read = [_letter(record, headers) for record, headers in records if "topic" in headers]
    return [letter for letter in waiting(read, gone) if topic in (None, letter.topic)]


def waiting(buried: Sequence[Letter], gone: Set[str]) -> list[Letter]:
    """One letter per message, its first, unless one of its letters is among the places that are ``gone``.

    A worker that dies after it buried a message and before it acknowledged it leaves another letter of it.
    """
    went_back = {letter.origin for letter in buried if letter.place in gone}
    first: dict[Origin, Letter] = {}
    for letter in sorted(buried, key=lambda letter: letter.buried_ms):
        first.setdefault(letter.origin, letter)
    return [letter for origin, letter in first.items() if origin not in went_back]


def repaired_key(letter: Letter) -> bytes:
    """The key the letter's message belongs under. Raises InvalidEvent while it cannot be read."""
    match letter.topic:
        case events.TOPIC_INTERACTIONS:
            return merge.message(letter.value, letter.buried_ms).key.encode()
        case events.TOPIC_ITEMS:
            return events.item(letter.value, letter.buried_ms).key.encode()
        case events.TOPIC_USERS:
            return events.user(letter.value, letter.buried_ms).key.encode()
    raise InvalidEvent(f"nothing can be sent back to {letter.topic}")


def replay(broker: str, waiting: Sequence[Letter]) -> list[Letter]:
    """Send back those that can be read by now, each under its right key; returns them."""
    producer = KafkaProducer(kafka_client=PatientClient, bootstrap_servers=broker, acks="all", enable_idempotence=True)
    try:
        return [letter for letter in waiting if _send(producer, letter)]
    finally:
        producer.close(timeout=10)


def _send(producer: KafkaProducer, letter: Letter) -> bool:
    try:
        key = repaired_key(letter)
    except InvalidEvent:
        return False
    producer.send(letter.topic, key=key, value=letter.value, timestamp_ms=letter.buried_ms).get(timeout=10)
    marker = [(REPLAYED, letter.place.encode())]
    producer.send(events.TOPIC_DEAD_LETTERS, key=key, value=b"", headers=marker).get(timeout=10)
    return True


def _records(broker: str, topic: str) -> Iterator[Any]:
    consumer = KafkaConsumer(bootstrap_servers=broker, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50)
    try:
        places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(places) if places else {}
        while any(consumer.position(place) < end for place, end in ends.items()):
            for records in consumer.poll(timeout_ms=200).values():
                yield from records
    finally:
        consumer.close()


def _letter(record: Any, headers: dict[str, bytes]) -> Letter:
    return Letter(
        f"{record.partition}/{record.offset}",
        headers["topic"].decode(),
        int(headers["partition"]),
        int(headers["offset"]),
        headers["reason"].decode(),
        record.key,
        record.value or b"",
        record.timestamp,
    )
