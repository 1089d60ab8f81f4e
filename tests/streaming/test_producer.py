"""Events -> Kafka, and no failure goes unsaid."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from deploy.laptop.ports import free_environment, free_port
from deploy.laptop.system import System, running
from streaming.broker import create_topics
from streaming.events import Deletion, Interaction, Item, Merge, User
from streaming.producer import DeliveryError, EventProducer, _completed
from streaming.settings import StreamSettings
from tests.streaming.live import T

CLICK = Interaction(user_id="7", item_id="42", action="click")


def test_a_message_gets_its_id_and_time_before_it_is_sent() -> None:
    completed: Any = _completed(CLICK)
    assert completed.event_id and completed.timestamp
    assert _completed(completed) is completed
    merge: Any = _completed(Merge(session_id="s", user_id="7"))
    assert merge.event_id and merge.timestamp


def test_without_a_broker_the_error_says_where_it_looked() -> None:
    port = free_port()
    with pytest.raises(DeliveryError, match=f"no Kafka broker answers at 127.0.0.1:{port}"):
        EventProducer(f"127.0.0.1:{port}", delivery_timeout_s=1)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(free_environment(tmp_path_factory.mktemp("producer")), ["broker"]) as broker:
        create_topics(StreamSettings(broker=broker.settings.broker))
        yield broker


@pytest.mark.process
def test_one_users_events_lie_in_one_partition_in_order(system: System) -> None:
    with EventProducer(system.settings.broker) as producer:
        sent = [producer.send(msgspec.structs.replace(CLICK, timestamp=T + n)) for n in range(50)]
    places = [(future.get().partition, future.get().offset) for future in sent]
    assert len({partition for partition, _ in places}) == 1
    assert [offset for _, offset in places] == sorted({offset for _, offset in places})


@pytest.mark.process
def test_every_kind_of_message_is_delivered(system: System) -> None:
    messages = [CLICK, Item(item_id="42"), User(user_id="7"), Deletion("items", "42")]
    with EventProducer(system.settings.broker) as producer:
        assert producer.deliver(messages) == [None] * 4


@pytest.mark.process
def test_what_a_dead_broker_did_not_take_is_raised(system: System) -> None:
    producer = EventProducer(system.settings.broker, delivery_timeout_s=2)
    producer.deliver([CLICK])
    system.kill("broker")
    producer.send(CLICK)
    with pytest.raises(DeliveryError, match=r"not delivered|did not acknowledge"):
        producer.flush(5)
    [problem] = producer.deliver([CLICK], timeout=5)
    assert isinstance(problem, DeliveryError)
    with suppress(DeliveryError):  # kafka-python may or may not have given the message up by now
        producer.close()
