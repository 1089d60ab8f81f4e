"""An agent that fails takes the worker with it."""

import asyncio
import logging
from typing import Any

import pytest

from streaming.flow import Flow
from streaming.metrics import Metrics
from streaming.retry import StoreAway
from streaming.settings import StreamSettings
from tests.fakes import MemoryErasures


class App:
    """A Faust app that can be crashed."""

    def __init__(self) -> None:
        self.crashed = asyncio.Event()

    async def crash(self, reason: BaseException) -> None:
        self.crashed.set()


async def failing(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [StoreAway("the store is away"), KeyError("a fault of ours")])
def test_whatever_an_agent_raises_stops_the_worker_before_the_agent_starts_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        app: Any = App()
        flow = Flow(app, {}, StreamSettings(), Metrics(), MemoryErasures())  # type: ignore[arg-type]
        watched = asyncio.create_task(flow.watch(failing(error)))
        await app.crashed.wait()
        await asyncio.sleep(0)
        assert not watched.done()  # Faust starts an agent again whose task has ended
        watched.cancel()

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(run())
    assert f"{error}; the worker stops" in caplog.text
    assert ("Traceback" in caplog.text) is not isinstance(error, StoreAway)


def test_an_agent_that_ends_by_itself_harms_nobody() -> None:
    async def run() -> bool:
        app: Any = App()
        await Flow(app, {}, StreamSettings(), Metrics(), MemoryErasures()).watch(asyncio.sleep(0))
        return bool(app.crashed.is_set())

    assert not asyncio.run(run())
