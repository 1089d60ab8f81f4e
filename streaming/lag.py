"""How far behind the broker a worker is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import KafkaConsumer, TopicPartition

from streaming.events import TOPIC_BY_ITEM, TOPIC_INTERACTIONS

GROUP = "freshrank"


class Offsets:
    """Committed and written offsets of one consumer group, summed over each topic's partitions."""

    def __init__(self, consumer: KafkaConsumer, topics: Sequence[str]) -> None:
        self._consumer = consumer
        self._partitions = {topic: self._of(topic) for topic in topics}

    def committed(self, topic: str) -> int:
        """Events that are stored and acknowledged."""
        return sum(self._consumer.committed(partition) or 0 for partition in self._partitions[topic])

    def written(self, topic: str) -> int:
        """Events that the broker has."""
        return int(sum(self._consumer.end_offsets(self._partitions[topic]).values()))

    def lag(self) -> int:
        """Events of all topics that are not stored yet."""
        return sum(self.written(topic) - self.committed(topic) for topic in self._partitions)

    def _of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic) or ()]


@contextmanager
def offsets(broker: str, topics: Sequence[str] = (TOPIC_INTERACTIONS, TOPIC_BY_ITEM)) -> Iterator[Offsets]:
    """The worker's offsets on this broker, without joining its group."""
    consumer = KafkaConsumer(bootstrap_servers=broker, group_id=GROUP, enable_auto_commit=False)
    try:
        yield Offsets(consumer, topics)
    finally:
        consumer.close()
