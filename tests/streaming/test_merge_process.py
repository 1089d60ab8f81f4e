"""Two workers on a real broker and a real Redis share sessions and users; one is killed while sessions are merged."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo import features
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from feature_repo.user_activity import UserActivity
from streaming.broker import create_topics
from streaming.events import Interaction, Merge
from streaming.producer import EventProducer
from streaming.rows import user_from_row
from streaming.settings import StreamSettings
from tests.chaos.workers import Workers
from tests.feature_repo.test_user_merge import same
from tests.streaming.live import Live, T
from tests.streaming.test_merge import Message, plain

pytestmark = pytest.mark.process
SESSIONS, ROUNDS = 12, 30


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Live, Workers]]:
    """Broker, Redis and two workers."""
    environment = free_environment(tmp_path) | {
        "FRESHRANK_SESSION_TIMEOUT_S": "2",
        "FRESHRANK_COMMIT_INTERVAL_S": "0.3",
        "FRESHRANK_BATCH_SIZE": "50",
    }
    with running(environment, ["broker", "online-store"]) as system:
        create_topics(StreamSettings(broker=system.settings.broker))
        store = open_store(StoreSettings(redis=system.settings.redis, data_dir=tmp_path))
        workers = Workers(system)
        try:
            workers.start()
            workers.start()
            yield Live(system, store), workers
        finally:
            workers.stop()


def stream() -> list[list[Message]]:
    """Rounds of what sessions and users do; each session is merged twice on its way, the first merge sent twice."""
    chance = random.Random(7)
    rounds: list[list[Message]] = []
    for number in range(ROUNDS):
        done: list[Message] = []
        for session in range(SESSIONS):
            who = {"session_id": f"s{session}"} if chance.random() < 0.7 else {"user_id": f"u{session % 5}"}
            what = {"item_id": f"i{chance.randrange(9)}", "action": chance.choice(["impression", "view", "click"])}
            when = T + chance.randrange(86_400_000)
            done.append(Interaction(event_id=f"{number}-{session}", timestamp=when, **who, **what))
            if number in (8 + session, 10 + session, ROUNDS - 1):
                first = number < ROUNDS - 1
                name = f"m{session}" if first else f"end{session}"
                done.append(Merge(event_id=name, session_id=f"s{session}", user_id=f"u{session % 5}", timestamp=T))
        rounds.append(done)
    return rounds


def test_a_worker_killed_while_sessions_are_merged_loses_and_doubles_nothing(two: tuple[Live, Workers]) -> None:
    live, workers = two
    rounds = stream()
    with EventProducer(live.broker) as producer:
        for number, done in enumerate(rounds):
            for each in done:
                producer.send(each)
            producer.flush()
            if number == 7:  # both have something to do
                eventually(live, workers, lambda: len(live.online(features.user_activity, "session:s0", "u0")) == 2)
            if number in (12, 18):
                workers.kill(min(workers.running))
                workers.start()
    wanted = plain([each for done in rounds for each in done])
    assert {key for key, state in wanted.items() if state.at} == {f"u{number}" for number in range(5)}
    done = [each for one in rounds for each in one if isinstance(each, Interaction)]
    eventually(
        live, workers, lambda: histories(live, wanted) == {key: [*each.timestamps] for key, each in wanted.items()}
    )
    eventually(live, workers, lambda: logged_items(live) == len(done))
    for key, row in live.online(features.user_activity, *wanted).items():
        same(user_from_row(row).activity, wanted[key])
    live.check_items(done)
    assert live.records("dead-letters") == []


def histories(live: Live, wanted: dict[str, UserActivity]) -> dict[str, list[int]]:
    """When users and sessions did what they did last."""
    rows = live.online(features.user_activity, *wanted)
    return {key: list(row["history_timestamps"]) for key, row in rows.items()}


def logged_items(live: Live) -> int:
    """How many events the items count."""
    return len({(row["item_id"], row["event_timestamp"]) for row in live.logged("item_activity")})


def eventually(live: Live, workers: Workers, check: Callable[[], bool]) -> None:
    """Wait for it; a worker that stopped by itself is started again, as a supervisor does."""
    live.eventually(lambda: check() or (workers.replace() and False))
