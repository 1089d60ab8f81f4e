"""The broker's side of the stream: topics that exist, and a consumer that hears of events at once."""

import logging
import time

import faust
from faust.transport.drivers import aiokafka as driver
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from streaming import events
from streaming.settings import StreamSettings

log = logging.getLogger(__name__)

TOPICS: dict[str, dict[str, str]] = {
    events.TOPIC_INTERACTIONS: {},
    events.TOPIC_BY_ITEM: {},
    events.TOPIC_DEAD_LETTERS: {},
    events.TOPIC_ITEMS: {"cleanup.policy": "compact"},
    events.TOPIC_USERS: {"cleanup.policy": "compact"},
    events.TOPIC_ITEM_CHANGES: {"cleanup.policy": "compact"},
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


def prompt_transport(fetch_wait_ms: int) -> type[driver.Transport]:
    """Faust's Kafka transport, except that an empty fetch waits ``fetch_wait_ms``.

    Faust hard-codes 1,500 ms. A broker that answers when a record arrives does not mind; one that sleeps through the
    wait delivers late. The attribute is aiokafka's own and is read once, when the consumer starts; if an upgrade
    renames it, the worker refuses to start (and a test fails) rather than becoming slow in silence.
    """

    class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
        def _create_worker_consumer(self, transport: driver.Transport) -> object:
            consumer = super()._create_worker_consumer(transport)
            if not hasattr(consumer, "_fetch_max_wait_ms"):
                raise RuntimeError("aiokafka no longer has `_fetch_max_wait_ms`: adapt streaming/broker.py")
            consumer._fetch_max_wait_ms = fetch_wait_ms
            return consumer

    class Consumer(driver.Consumer):  # type: ignore[misc]
        def _new_consumer_thread(self) -> ConsumerThread:
            return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    class Transport(driver.Transport):  # type: ignore[misc]
        pass

    Transport.Consumer = Consumer
    return Transport


class PromptApp(faust.App):  # type: ignore[misc]
    """A Faust app on the prompt transport."""

    def __init__(self, settings: StreamSettings, **options: object) -> None:
        self._transport_type = prompt_transport(settings.fetch_wait_ms)
        super().__init__(broker=f"kafka://{settings.broker}", **options)

    def _new_transport(self) -> driver.Transport:
        return self._transport_type(self.conf.broker_consumer, self)
