"""Messages that an agent sends, and a broker that takes none."""

import asyncio
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from streaming.flow import Flow
from streaming.merge import handover
from streaming.metrics import Metrics
from streaming.settings import StreamSettings
from tests.streaming.test_merge import HANDOVER, T


class App:
    """Faust's app as a flow uses it: its producer takes every message, or none."""

    def __init__(self, error: Exception | None = None) -> None:
        self.producer, self.error = self, error
        self.sent: list[tuple[str, bytes, bytes]] = []

    async def send(self, topic: str, key: bytes, value: bytes, *_: None) -> Any:
        self.sent.append((topic, key, value))
        return self.word()

    async def word(self) -> None:
        """What the broker says later."""
        if self.error:
            raise self.error


def hand_over(app: App) -> None:
    asyncio.run(Flow(app, {}, StreamSettings(), Metrics()).hand_over([HANDOVER]))  # type: ignore[arg-type]


def test_a_handover_goes_to_its_user() -> None:
    app = App()
    hand_over(app)
    [(topic, key, value)] = app.sent
    assert (topic, key, handover(value, T)) == ("interactions", b"u", HANDOVER)


def test_a_handover_that_the_broker_does_not_take_ends_the_agent() -> None:
    with pytest.raises(KafkaTimeoutError):  # so that nothing is stored; whatever ends an agent stops the worker
        hand_over(App(KafkaTimeoutError("no broker")))
