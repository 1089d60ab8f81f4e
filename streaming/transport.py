"""Faust's Kafka transport, prompter: events are heard of at once, handed over without a task each, and left raw."""

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import EventT, Message
from mode.services import WaitResults

from streaming.settings import StreamSettings


def prompt_transport(fetch_wait_ms: int) -> type[driver.Transport]:
    """Faust's Kafka transport, except that an empty fetch waits ``fetch_wait_ms`` and that Consumer is ours.

    Faust hard-codes 1,500 ms. A broker that answers when a record arrives does not mind; one that sleeps through the
    wait delivers late. The attribute is aiokafka's own and is read once, when the consumer starts; if an upgrade
    renames it, the worker refuses to start (and a test fails) rather than becoming slow in silence.
    """

    class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
        def _create_worker_consumer(self, transport: driver.Transport) -> object:
            consumer = super()._create_worker_consumer(transport)
            if not hasattr(consumer, "_fetch_max_wait_ms"):
                raise RuntimeError("aiokafka no longer has `_fetch_max_wait_ms`: adapt streaming/transport.py")
            consumer._fetch_max_wait_ms = fetch_wait_ms
            return consumer

    class Consumer(PromptConsumer):
        def _new_consumer_thread(self) -> ConsumerThread:
            return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    class Transport(driver.Transport):  # type: ignore[misc]
        pass

    Transport.Consumer = Consumer
    return Transport


_A_MESSAGE = [types.CoroutineType, types.CoroutineType]  # handing it over, and the suspension of the flow


class PromptConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, except that a message which an agent's buffer has room for needs no task.

    Faust waits for "handed over, or the flow suspended by a rebalance, or stopped" with four tasks a message: half of
    what it spends on one (docs/decisions.md). Handing over waits for nothing as a rule, so it is tried first; where it
    does wait, it goes on inside Faust's own wait.
    """

    async def wait_first(self, *waited: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109
        """The first of ``waited`` to be done, as Faust's ``Service.wait_first``."""
        if timeout is not None or [type(each) for each in waited] != _A_MESSAGE:
            return await super().wait_first(*waited, timeout=timeout)
        handing_over, suspended = waited
        try:
            waiting_for = handing_over.send(None)
        except StopIteration as done:
            suspended.close()
            return WaitResults([handing_over], [done.value], self._stopped.is_set() or self._crashed.is_set())
        except BaseException:
            suspended.close()
            raise
        return await super().wait_first(_go_on(handing_over, waiting_for), suspended)


async def _go_on(begun: Coroutine[Any, Any, Any], waiting_for: Any) -> Any:
    """Await a coroutine that has been begun by hand and now waits for ``waiting_for``."""

    @types.coroutine
    def rest(waiting_for: Any) -> Generator[Any, Any, Any]:
        while True:
            step: Any = begun.send
            try:
                answer = yield waiting_for
            except BaseException as error:  # cancelled, most of all: the coroutine has to hear of it
                step, answer = begun.throw, error
            try:
                waiting_for = step(answer)
            except StopIteration as done:
                return done.value

    return await rest(waiting_for)


class RawSchema(faust.Schema):  # type: ignore[misc]
    """Keys and values as the broker has them: nothing to look up and nothing to decode for each message."""

    def __init__(self) -> None:
        super().__init__(key_serializer="raw", value_serializer="raw")

    def compile(self, app: faust.App, **_: Any) -> Callable[..., Coroutine[Any, Any, EventT[bytes]]]:
        """What makes an event of a message."""
        event = app.conf.Event

        async def decode(message: Message, **_: Any) -> EventT[bytes]:
            return event(app, message.key, message.value, message.headers, message)

        return decode


class PromptApp(faust.App):  # type: ignore[misc]
    """A Faust app on the prompt transport."""

    def __init__(self, settings: StreamSettings, **options: object) -> None:
        self._transport_type = prompt_transport(settings.fetch_wait_ms)
        super().__init__(broker=f"kafka://{settings.broker}", **options)

    def _new_transport(self) -> driver.Transport:
        return self._transport_type(self.conf.broker_consumer, self)
