"""In which order an agent does what must not be lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

from feature_repo.features import item_content, user_activity
from streaming import users_flow
from streaming.events import encode
from streaming.metrics import Metrics
from streaming.user_activity import UserTracker
from tests.fakes import MemoryErasures, MemoryRows
from tests.streaming.test_merge import LOG, SESSION, T, did, merging


class Steps:
    """A flow that has one batch and notes what is done with it."""

    partitions = 1

    def __init__(self, batch: list[Any]) -> None:
        self.batch, self.done, self.metrics = batch, list[str](), Metrics()

    async def batches(self, stream: Any, agent: str) -> AsyncIterator[list[Any]]:
        yield self.batch

    async def keep(self, action: Callable[[], Any], what: str) -> Any:
        self.done.append(what)
        return action()

    async def hand_over(self, handovers: list[Any]) -> None:
        self.done.append(f"handing over {len(handovers)}")

    async def forward(self, envelopes: Any) -> None:
        self.done.append("passing on")

    async def bury(self, poison: list[Any]) -> None:
        self.done.append(f"burying {len(poison)}")


class Log:
    """An offline log that keeps nothing."""

    def append(self, *part: Any) -> None:
        pass


def test_a_session_is_handed_over_before_its_row_is_emptied_and_all_is_acknowledged_last() -> None:
    steps = Steps([])

    def event(offset: int, sent: Any) -> Any:
        message = SimpleNamespace(value=encode(sent), timestamp=T / 1000, partition=0, offset=offset)
        return SimpleNamespace(key=sent.key.encode(), message=message, ack=lambda: steps.done.append("acknowledging"))

    steps.batch = [event(0, did(1, SESSION)), event(1, merging(1))]
    stores = MemoryRows(user_activity), MemoryRows(item_content)
    users = UserTracker(*stores, Log(), LOG, 10, MemoryErasures())  # type: ignore[arg-type]
    asyncio.run(users_flow.track(None, users, steps))  # type: ignore[arg-type]
    first = ["reading user rows", "handing over 1", "writing user rows", "passing on", "burying 0"]
    assert steps.done == [*first, "acknowledging", "acknowledging"]
