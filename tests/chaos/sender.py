"""a plan -> the broker, at a steady pace, in a thread of its own; remembers where each poison message lies."""

import threading
import time
from typing import Any, NamedTuple

from kafka import KafkaProducer

from streaming.events import Interaction, Merge, encode
from tests.chaos.plan import Plan, Poison

CHUNK = 50


class Place(NamedTuple):
    """Where the broker put a message."""

    topic: str
    partition: int
    offset: int


class Sender(threading.Thread):
    """Sends the plan; ``error`` is what stopped it early."""

    def __init__(self, broker: str, plan: Plan, rate: float) -> None:
        super().__init__(daemon=True)
        self.broker, self.plan, self.rate = broker, plan, rate
        self.sent, self.places, self.error = 0, dict[Place, Poison](), ""

    def run(self) -> None:
        producer = KafkaProducer(bootstrap_servers=self.broker, acks="all", enable_idempotence=True, linger_ms=5)
        try:
            self._send_all(producer)
        except Exception as error:
            self.error = f"the sender stopped: {error!r}"
            raise
        finally:
            producer.close(timeout=10)

    def _send_all(self, producer: KafkaProducer) -> None:
        begun, waiting = time.monotonic(), []
        for start in range(0, len(self.plan.sent), CHUNK):
            futures = [(each, _send(producer, each)) for each in self.plan.sent[start : start + CHUNK]]
            waiting += [(each, future) for each, future in futures if isinstance(each, Poison)]
            self.sent += len(futures)
            time.sleep(max(0.0, begun + self.sent / self.rate - time.monotonic()))
        producer.flush(30)
        for poison, future in waiting:
            found = future.get(10)
            self.places[Place(found.topic, found.partition, found.offset)] = poison


def _send(producer: KafkaProducer, message: Interaction | Merge | Poison) -> Any:
    if isinstance(message, Poison):
        return producer.send(message.topic, key=message.key, value=message.value)
    return producer.send("interactions", key=message.key.encode(), value=encode(message))
