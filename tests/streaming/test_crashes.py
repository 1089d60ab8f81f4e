"""Processes die in the middle of the stream; nothing is lost and nothing counts twice."""

from collections.abc import Iterator

import pytest

from streaming.events import Interaction
from streaming.producer import EventProducer
from tests.streaming.live import Live, live
from tests.streaming.test_worker import interactions

pytestmark = pytest.mark.process
BATCH = 300


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("crashes")) as running:
        yield running


def logged(system: Live, prefix: str) -> int:
    return len({row["event_id"] for row in system.logged("interactions") if row["event_id"].startswith(prefix)})


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(system: Live) -> None:
    events = interactions("killed", 10 * BATCH)
    with EventProducer(system.broker) as producer:
        for start in range(0, len(events), BATCH):
            for event in events[start : start + BATCH]:
                producer.send(event)
            if start in (2 * BATCH, 6 * BATCH):
                system.eventually(lambda: logged(system, "killed") >= start - BATCH)  # noqa: B023
                assert system.system.kill("worker") == -9
                system.system.start("worker")
    system.eventually(lambda: system.counted(events))
    system.check(events)


def test_an_online_store_that_dies_and_comes_back_has_everything(system: Live) -> None:
    events = interactions("redis", 4 * BATCH)
    system.send(events[: 2 * BATCH])
    system.eventually(lambda: logged(system, "redis") >= BATCH)
    system.system.kill("online-store")
    system.send(events[2 * BATCH :])
    system.eventually(lambda: "attempt 2 of" in system.system.tail("worker", 200))
    system.system.start("online-store")
    system.eventually(lambda: system.counted(events))
    system.check(events)


def test_a_worker_whose_store_stays_away_stops_and_the_next_one_goes_on(system: Live) -> None:
    system.system.kill("worker")
    system.system.environment["FRESHRANK_WRITE_RETRIES"] = "3"
    before: list[Interaction] = interactions("away before", 20)
    system.system.start("worker")
    system.send(before)
    system.eventually(lambda: system.counted(before))
    system.system.kill("online-store")
    events = interactions("away", BATCH)
    system.send(events)
    assert system.system.processes["worker"].wait(40) not in (0, None)
    log = system.system.tail("worker", 400)
    assert "failed 3 times" in log and "its unacknowledged events will be read again" in log
    system.system.start("online-store")
    system.system.start("worker")
    system.eventually(lambda: system.counted(events))
    system.check(events)
