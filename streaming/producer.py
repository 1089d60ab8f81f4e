"""events -> Kafka: what an event producer imports.

    with EventProducer("127.0.0.1:9092") as producer:
        producer.send(Interaction(user_id="7", item_id="42", action="click"))

Idempotent, acknowledged by all replicas, keyed by user (items and profiles by their own id), so that all that one user
did stays in order. A delivery that failed is never silent: ``flush`` and leaving the ``with`` block raise it.
"""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streaming.events import RECEIPT, Deletion, Interaction, Merge, Publishable, encode, topic_of
from streaming.patient_client import PatientClient


class DeliveryError(Exception):
    """Messages that the broker did not acknowledge."""


class EventProducer:
    """A connection to the broker; share one, it is thread-safe."""

    def __init__(self, broker: str, linger_ms: int = 5, delivery_timeout_s: float = 10) -> None:
        try:
            self._kafka = KafkaProducer(
                kafka_client=PatientClient,
                bootstrap_servers=broker,
                acks="all",
                enable_idempotence=True,
                linger_ms=linger_ms,
                delivery_timeout_ms=int(delivery_timeout_s * 1000),
                request_timeout_ms=int(delivery_timeout_s * 1000) - linger_ms - 1,
                max_block_ms=int(delivery_timeout_s * 1000),
                bootstrap_timeout_ms=int(delivery_timeout_s * 1000),
            )
        except KafkaError as error:
            raise DeliveryError(f"no Kafka broker answers at {broker}: {error}") from error
        self._lock = threading.Lock()
        self._failures: list[BaseException] = []

    def send(self, message: Publishable) -> Any:
        """Queue one message and return its kafka-python future; the network is not waited for."""
        try:
            future = self._send(message)
        except KafkaError as error:
            raise DeliveryError(f"could not queue a message: {error}") from error
        future.add_errback(self._fail)
        return future

    def deliver(self, messages: Sequence[Publishable], timeout: float = 10) -> list[DeliveryError | None]:
        """Send all and wait for the broker's word on each: None, or why it was not taken."""
        deadline = time.monotonic() + timeout
        futures = [self._attempt(message, deadline) for message in messages]
        return [_outcome(future, deadline) for future in futures]

    def flush(self, timeout: float = 10) -> None:
        """Wait until everything sent is acknowledged; raises DeliveryError for what was not since the last flush."""
        try:
            self._kafka.flush(timeout)
        except KafkaError as error:
            raise DeliveryError(f"the broker did not acknowledge within {timeout} s: {error}") from error
        with self._lock:
            failures, self._failures = self._failures, []
        if failures:
            raise DeliveryError(f"{len(failures)} messages were not delivered; the first because of {failures[0]!r}")

    def close(self) -> None:
        """Release the connection; waits for what is still under way and raises DeliveryError if it stays so."""
        try:
            self._kafka.close(timeout=10)
        except KafkaError as error:
            raise DeliveryError(f"closed with messages still under way: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            self.close()

    def _send(self, message: Publishable) -> Any:
        value = None if isinstance(message, Deletion) else encode(_completed(message))
        return self._kafka.send(topic_of(message), key=message.key.encode(), value=value, headers=_headers(message))

    def _attempt(self, message: Publishable, deadline: float) -> Any:
        if time.monotonic() > deadline:
            return DeliveryError("out of time before it was sent")
        try:
            return self._send(message)
        except KafkaError as error:
            return DeliveryError(str(error))

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._failures.append(error)


def _headers(message: Publishable) -> list[tuple[str, bytes]]:
    receipt_id = message.receipt_id if isinstance(message, Deletion) else ""
    return [(RECEIPT, receipt_id.encode())] if receipt_id else []


def _completed(message: Publishable) -> Publishable:
    """The message with its idempotency key and time, which must not change when it is sent again."""
    if not isinstance(message, Interaction | Merge) or (message.event_id and message.timestamp is not None):
        return message
    now = time.time_ns() // 1_000_000 if message.timestamp is None else message.timestamp
    return msgspec.structs.replace(message, event_id=message.event_id or str(uuid4()), timestamp=now)


def _outcome(future: Any, deadline: float) -> DeliveryError | None:
    if isinstance(future, DeliveryError):
        return future
    try:
        future.get(timeout=max(deadline - time.monotonic(), 0.001))
    except KafkaError as error:
        return DeliveryError(str(error))
    return None
