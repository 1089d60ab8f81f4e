"""Who is forgotten is found nowhere: a real broker, Redis and worker, every store searched for the id."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo import features
from feature_repo.erasure import Erasures, open_erasures
from feature_repo.erasure_receipts import state_of
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.events import Deletion, Interaction, Item, Merge, User
from tests.streaming.live import Live
from tests.streaming.searching import traces

pytestmark = pytest.mark.process
GONE, SESSION, OTHER = "gone-7f3a", "sess-91bc", "other-55d0"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Broker, Redis and a worker that looks a second time after a second."""
    folder = tmp_path_factory.mktemp("erase")
    environment = free_environment(folder) | {
        "FRESHRANK_SESSION_TIMEOUT_S": "2",
        "FRESHRANK_COMMIT_INTERVAL_S": "0.3",
        "FRESHRANK_ERASE_EVERY_S": "0.3",
        "FRESHRANK_ERASE_AGAIN_S": "1",
    }
    with running(environment, ["broker", "online-store", "worker"]) as system:
        yield Live(system, open_store(StoreSettings(redis=system.settings.redis, data_dir=folder)))


@pytest.fixture
def erasures(worker: Live) -> Iterator[Erasures]:
    opened = open_erasures(stores(worker))
    yield opened
    opened.close()


def stores(worker: Live) -> StoreSettings:
    return StoreSettings(redis=worker.system.settings.redis, data_dir=worker.system.settings.data_dir)


def found(worker: Live, needle: str) -> list[str]:
    settings = stores(worker)
    return traces(settings.data_dir, settings.redis, settings.registry_url, needle=needle)


def done(erasures: Erasures, receipt_id: str) -> bool:
    receipt = erasures.receipt(receipt_id)
    return receipt is not None and state_of(receipt) == "done"


def click(user_id: str, number: int, item_id: str = "film") -> Interaction:
    now_ms = time.time_ns() // 1_000_000
    return Interaction(
        event_id=f"{user_id}-e{number}", user_id=user_id, item_id=item_id, action="click", timestamp=now_ms
    )


def test_a_user_is_found_in_no_store_after_the_deletion(worker: Live, erasures: Erasures) -> None:
    mine, others = [click(GONE, number) for number in range(5)], [click(OTHER, number, "song") for number in range(5)]
    anonymous = [
        Interaction(event_id=f"{SESSION}-{number}", session_id=SESSION, item_id="film", action="view")
        for number in range(3)
    ]
    worker.send([User(user_id=GONE, attributes={"age": "30"}), *mine, *others, *anonymous])
    worker.send([Merge(event_id=f"{SESSION}-m", session_id=SESSION, user_id=GONE)])
    worker.eventually(lambda: worker.logged("merges") and worker.online(features.user_profile, GONE))
    worker.eventually(lambda: worker.counted(others))
    assert found(worker, GONE) and found(worker, SESSION)

    labels = stores(worker).data_dir / "snapshots/s/labels.parquet"
    labels.parent.mkdir(parents=True)
    pq.write_table(pa.table({"user_id": [GONE, OTHER, f"session:{SESSION}"]}), labels)

    receipt_id = erasures.ask("user", GONE)
    worker.send([Deletion("users", GONE, receipt_id)])
    worker.eventually(lambda: done(erasures, receipt_id))
    worker.eventually(lambda: not found(worker, GONE) and not found(worker, SESSION))
    worker.check(others)
    receipt = erasures.receipt(receipt_id)
    assert receipt and {each.store: each.rows for each in receipt.removals} == {
        "offline log: interactions": 8,
        "offline log: merges": 1,
        "offline log: user_activity": 10,
        "offline log: user_profile": 1,
        "online store: user_activity": 2,
        "online store: user_profile": 1,
        "snapshots and runs, under a pseudonym now": 2,
    }

    worker.send([*mine, click(GONE, 9)])  # a producer sends the past again, and the user comes back
    row = worker.eventually(lambda: worker.online(features.user_activity, GONE))[GONE]
    assert len(row["history_item_ids"]) == 1


def test_an_item_is_found_in_no_row_of_its_own(worker: Live, erasures: Erasures) -> None:
    worker.send([Item(item_id="banned-1", title="Forbidden-Title-77"), click(OTHER, 20, "banned-1")])
    worker.eventually(lambda: worker.online(features.item_activity, "banned-1"))
    worker.eventually(lambda: worker.online(features.item_content, "banned-1"))
    variables = [f"{name}={value}" for name, value in worker.system.environment.items()]
    command = ["env", *variables, sys.executable, "-m", "streaming.erase"]
    asked = subprocess.run([*command, "--item", "banned-1"], capture_output=True, text=True, check=True).stdout.strip()
    worker.eventually(lambda: done(erasures, asked))
    worker.eventually(lambda: not found(worker, "Forbidden-Title-77"))
    told = subprocess.run([*command, "--receipt", asked], capture_output=True, text=True, check=True).stdout
    assert told.startswith("item: done\n") and "1 rows  offline log: item_content" in told
    assert not worker.online(features.item_content, "banned-1")["banned-1"]["item_available"]
    assert worker.online(features.item_activity, "banned-1")["banned-1"]["item_activity_at"] == 0
    for table in ("item_content", "item_activity", "interactions"):
        assert "banned-1" not in {row["item_id"] for row in worker.logged(table)}
