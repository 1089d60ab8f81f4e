"""The consumer that hears of events at once and hands them over without a task each."""

import asyncio
import inspect
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from faust.transport.consumer import Consumer

from feature_repo.settings import StoreSettings
from streaming.app import faust_app
from streaming.settings import StreamSettings
from streaming.transport import RawSchema


@pytest.fixture
def stores(tmp_path: Path) -> StoreSettings:
    return StoreSettings(data_dir=tmp_path)


def aiokafka_consumer(stores: StoreSettings, fetch_wait_ms: int) -> Any:
    """The consumer of a worker with this setting, not started."""

    async def create() -> Any:
        app = faust_app(StreamSettings(fetch_wait_ms=fetch_wait_ms), stores)
        ignore: Any = lambda *_: None  # noqa: E731
        consumer = app.transport.create_consumer(ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore)
        return consumer._new_consumer_thread()._create_worker_consumer(app.transport)

    return asyncio.run(create())


def test_the_fetch_wait_of_the_settings_reaches_aiokafka(stores: StoreSettings) -> None:
    assert aiokafka_consumer(stores, 33)._fetch_max_wait_ms == 33
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in inspect.getsource(AIOKafkaConsumer.start)


def test_a_worker_refuses_an_aiokafka_that_renamed_the_fetch_wait(
    stores: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

    monkeypatch.setattr(AIOKafkaConsumerThread, "_create_worker_consumer", lambda self, transport: object())
    with pytest.raises(RuntimeError, match="no longer has `_fetch_max_wait_ms`"):
        aiokafka_consumer(stores, 33)


def test_a_message_becomes_an_event_as_it_came(stores: StoreSettings) -> None:
    message: Any = SimpleNamespace(key=b"k", value=b"\xff{", headers=[("a", b"1")])
    event = asyncio.run(RawSchema().compile(faust_app(StreamSettings(), stores))(message, propagate=True))
    assert (event.key, event.value, event.headers, event.message) == (b"k", b"\xff{", {"a": b"1"}, message)


def wait_first(stores: StoreSettings, handing_over: Coroutine[Any, Any, Any], suspend_after_s: float = 60) -> Any:
    """What the consumer's wait for one message comes to."""

    async def wait() -> Any:
        app = faust_app(StreamSettings(), stores)
        ignore: Any = lambda *_: None  # noqa: E731
        consumer = app.transport.create_consumer(ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore)
        tasks = len(asyncio.all_tasks())
        result = await consumer.wait_first(handing_over, asyncio.sleep(suspend_after_s, "suspended"))
        await asyncio.sleep(0)  # what was cancelled has a turn to end
        assert len(asyncio.all_tasks()) == tasks
        return result

    return asyncio.run(wait())


async def nothing() -> str:
    return "handed over"


async def turn(log: list[str]) -> str:
    try:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
    except asyncio.CancelledError:
        log.append("cancelled")
        raise
    log.append("through")
    return "handed over"


def test_a_message_that_need_not_wait_is_handed_over_without_a_task(
    stores: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Consumer, "wait_first", None)  # Faust's own, which would start four tasks
    result = wait_first(stores, nothing())
    assert (result.results, result.stopped) == (["handed over"], False)


def test_a_message_that_has_to_wait_is_handed_over_in_the_end(stores: StoreSettings) -> None:
    log: list[str] = []
    assert wait_first(stores, turn(log)).results == ["handed over"]
    assert log == ["through"]


def test_a_rebalance_takes_a_waiting_message_back(stores: StoreSettings) -> None:
    log: list[str] = []

    async def full() -> None:
        await asyncio.sleep(0.001)
        await turn(log)
        await asyncio.sleep(0.001)
        await asyncio.get_running_loop().create_future()  # nobody ever takes from this buffer

    assert wait_first(stores, full(), suspend_after_s=0.05).results == ["suspended"]
    assert log == ["through"]


def test_a_message_cancelled_where_it_first_waited_hears_of_it(stores: StoreSettings) -> None:
    log: list[str] = []

    async def full() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            log.append("cancelled")

    assert wait_first(stores, full(), suspend_after_s=0.01).results == ["suspended"]
    assert log == ["cancelled"]


def test_what_goes_wrong_while_handing_over_is_raised(stores: StoreSettings) -> None:
    async def broken() -> None:
        raise LookupError("no such partition")

    async def broken_later() -> None:
        await asyncio.sleep(0)
        raise LookupError("no such partition")

    for handing_over in (broken(), broken_later()):
        with pytest.raises(LookupError, match="no such partition"):
            wait_first(stores, handing_over)


def test_faust_still_waits_for_every_message_in_the_way_that_is_shortened() -> None:
    waiting = inspect.getsource(Consumer._drain_messages).replace("\n", "").replace(" ", "")
    assert "awaitself.wait_first(callback(message),self.suspend_flow.wait())" in waiting
