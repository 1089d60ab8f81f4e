"""events -> the broker, without blocking the event loop; the connection opens with the first event."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from serving.errors import BrokerUnavailable
from streaming.events import Publishable
from streaming.producer import DeliveryError, EventProducer

THREADS = 8  # requests that wait for acknowledgements at a time
GRACE = 1.0  # seconds for the producer's own timeout, which knows more, to come first


class Publisher:
    """The producer of this process."""

    def __init__(self, broker: str, timeout_ms: int) -> None:
        self._broker = broker
        self._timeout = timeout_ms / 1000
        self._threads = ThreadPoolExecutor(THREADS, "publish")
        self._opening = threading.Lock()
        self._producer: EventProducer | None = None

    async def deliver(self, messages: Sequence[Publishable]) -> list[str | None]:
        """The broker's word on each message: None, or why it was not taken. Raises BrokerUnavailable."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout + GRACE):
                outcomes = await loop.run_in_executor(self._threads, self._deliver, messages)
        except (DeliveryError, TimeoutError) as error:
            reason = str(error) or f"no acknowledgement within {self._timeout:g} s"
            raise BrokerUnavailable(f"the broker at {self._broker} does not take events: {reason}") from error
        return [None if outcome is None else str(outcome) for outcome in outcomes]

    def close(self) -> None:
        """Release the connection after what is under way."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._producer:
            self._producer.close()

    def _deliver(self, messages: Sequence[Publishable]) -> list[DeliveryError | None]:
        """Deliver; where nothing got through at once, once more over a new connection.

        A broker that lost its state refuses the producer it knew before for ever (UnknownProducerId). Sending again is
        safe: the messages keep their ids.
        """
        deadline = time.monotonic() + self._timeout
        outcomes = self._attempt(messages, self._timeout)
        if messages and all(outcomes) and (left := deadline - time.monotonic()) > 0:
            return self._attempt(messages, left)
        return outcomes

    def _attempt(self, messages: Sequence[Publishable], timeout: float) -> list[DeliveryError | None]:
        with self._opening:
            if self._producer is None:
                self._producer = EventProducer(self._broker, delivery_timeout_s=self._timeout)
            producer = self._producer
        outcomes = producer.deliver(messages, timeout)
        if messages and all(outcomes):
            self._retire(producer)
        return outcomes

    def _retire(self, producer: EventProducer) -> None:
        with self._opening:
            if self._producer is producer:
                self._producer = None
        producer.close()
