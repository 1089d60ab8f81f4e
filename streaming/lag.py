"""How far behind the broker a worker is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import KafkaConsumer, TopicPartition

from streaming.events import TOPIC_BY_ITEM, TOPIC_INTERACTIONS

GROUP = "freshrank"


LOOK_MS = 100


class Offsets:
    """Committed and written offsets of one consumer group, summed over each topic's partitions."""

    def __init__(self, consumer: KafkaConsumer, topics: Sequence[str]) -> None:
        self._consumer = consumer
        self._partitions = {topic: self._of(topic) for topic in topics}

    def committed(self, topic: str) -> int:
        """Events that are stored and acknowledged."""
        return sum(self._consumer.committed(partition) or 0 for partition in self._partitions[topic])

    def written(self, topic: str) -> int:
        """Events that the broker has.

        Some brokers (Tansu) answer the question for the end of a partition with the start of its last batch; the rest
        is read to its end.
        """
        partitions = self._partitions[topic]
        self._consumer.assign(partitions)
        for partition, end in self._consumer.end_offsets(partitions).items():
            self._consumer.seek(partition, end)
        while self._consumer.poll(LOOK_MS):
            pass
        return sum(self._consumer.position(partition) for partition in partitions)

    @property
    def topics(self) -> list[str]:
        """The topics these are the offsets of."""
        return list(self._partitions)

    def lag_of(self, topic: str) -> int:
        """Events of one topic that are not stored yet."""
        return self.written(topic) - self.committed(topic)

    def lag(self) -> int:
        """Events of all topics that are not stored yet."""
        return sum(map(self.lag_of, self._partitions))

    def _of(self, topic: str) -> list[TopicPartition]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise LookupError(f"the broker has no topic {topic!r} (the worker creates it when it starts)")
        return [TopicPartition(topic, number) for number in sorted(numbers)]


@contextmanager
def offsets(
    broker: str, topics: Sequence[str] = (TOPIC_INTERACTIONS, TOPIC_BY_ITEM), patience_ms: int = 30_000
) -> Iterator[Offsets]:
    """The worker's offsets on this broker, without joining its group."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker,
        group_id=GROUP,
        enable_auto_commit=False,
        fetch_max_wait_ms=20,
        bootstrap_timeout_ms=patience_ms,
    )
    try:
        yield Offsets(consumer, topics)
    finally:
        consumer.close()
