"""Processes die in the middle of the stream; nothing is lost and nothing counts twice."""

import pytest

from streaming.producer import EventProducer
from tests.streaming.live import Live, interactions

pytestmark = pytest.mark.process
BATCH = 300


def logged(worker: Live, prefix: str) -> int:
    return len({row["event_id"] for row in worker.logged("interactions") if row["event_id"].startswith(prefix)})


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(worker: Live) -> None:
    events = interactions("killed", 10 * BATCH)
    with EventProducer(worker.broker) as producer:
        for start in range(0, len(events), BATCH):
            for event in events[start : start + BATCH]:
                producer.send(event)
            if start == 4 * BATCH:
                worker.eventually(lambda: logged(worker, "killed"))
                assert worker.system.kill("worker") == -9
                worker.system.start("worker")
    worker.eventually(lambda: worker.counted(events))
    worker.check(events)


def test_an_online_store_that_dies_and_comes_back_has_everything(worker: Live) -> None:
    events = interactions("redis", 4 * BATCH)
    worker.send(events[: 2 * BATCH])
    worker.eventually(lambda: logged(worker, "redis"))
    worker.system.kill("online-store")
    worker.send(events[2 * BATCH :])
    worker.system.start("online-store")
    worker.eventually(lambda: worker.counted(events))
    worker.check(events)


def test_a_worker_whose_store_stays_away_stops_and_the_next_one_goes_on(worker: Live) -> None:
    worker.system.kill("online-store")
    events = interactions("away", BATCH)
    worker.send(events)
    assert worker.system.processes["worker"].wait(60) > 0
    log = worker.system.tail("worker", 400)
    assert "failed 2 times" in log and "its unacknowledged events will be read again" in log
    worker.system.start("online-store")
    worker.system.start("worker")
    worker.eventually(lambda: worker.counted(events))
    worker.check(events)
