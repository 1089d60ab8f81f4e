"""The broker's side of the stream: topics that exist."""

import logging
import time

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from feature_repo.rankings import TOPIC as TOPIC_RANKINGS
from streaming import events
from streaming.settings import StreamSettings

log = logging.getLogger(__name__)

LARGEST_OUT = (
    4_000_000  # bytes of a message the worker writes: the largest one it may read (1 MB), and what it adds to it
)
LARGER = {"max.message.bytes": str(LARGEST_OUT)}

TOPICS: dict[str, dict[str, str]] = {
    events.TOPIC_INTERACTIONS: {},
    events.TOPIC_BY_ITEM: {},
    events.TOPIC_DEAD_LETTERS: LARGER,
    TOPIC_RANKINGS: {},
    events.TOPIC_ITEMS: {"cleanup.policy": "compact"},
    events.TOPIC_USERS: {"cleanup.policy": "compact"},
    events.TOPIC_ITEM_CHANGES: {"cleanup.policy": "compact"} | LARGER,
}


class BrokerAway(Exception):
    """No broker answered in time."""


def create_topics(settings: StreamSettings, timeout_s: float = 60) -> dict[str, str]:
    """Create the topics that are missing; returns topic -> topic id (a new one each time a topic is created anew)."""
    admin = _connect(settings.broker, timeout_s)
    try:
        for topic, configuration in TOPICS.items():
            _create(admin, topic, configuration, settings)
        return {topic["name"]: topic["topic_id"] for topic in admin.describe_topics(list(TOPICS))}
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, topic: str, configuration: dict[str, str], settings: StreamSettings) -> None:
    layout = {"num_partitions": settings.partitions, "replication_factor": settings.replicas}
    try:
        admin.create_topics({topic: layout | {"configs": configuration}}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        log.debug("topic %s is there", topic)


def _connect(broker: str, timeout_s: float) -> KafkaAdminClient:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return KafkaAdminClient(bootstrap_servers=broker, bootstrap_timeout_ms=2000)
        except KafkaError as error:
            if time.monotonic() > deadline:
                raise BrokerAway(f"no Kafka broker answers at {broker} (FRESHRANK_BROKER): {error}") from error
            log.info("waiting for the broker at %s", broker)
