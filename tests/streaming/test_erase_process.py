"""Who is forgotten is found nowhere: a real broker, Redis and worker, every store searched for the id."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo import features
from feature_repo.erasure import Erasures, open_erasures
from feature_repo.erasure_receipts import state_of
from feature_repo.served import Page, ServedPages, encode
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.events import Deletion, Interaction, Item, Merge, User
from tests.streaming.live import Live
from tests.streaming.searching import traces

pytestmark = pytest.mark.process
GONE, SESSION, OTHER = "gone-7f3a", "sess-91bc", "other-55d0"
ITEM = "banned-9c41e7d2"


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


def served(worker: Live, user_id: str, *item_ids: str) -> None:
    """Keep a page as the API does."""

    async def serve() -> None:
        await ServedPages(worker.store, seconds=600).add(user_id, encode(Page(1, 0, list(item_ids))))
        await worker.store.close()

    asyncio.run(serve())


def met(user_id: str, number: int, item_id: str = ITEM) -> Interaction:
    """Ten minutes ago, so that it can be told from what comes after the deletion."""
    event = click(user_id, number, item_id)
    return msgspec.structs.replace(event, timestamp=time.time_ns() // 1_000_000 - 600_000 + number)


def history(worker: Live, user_id: str) -> list[str]:
    found = worker.online(features.user_activity, user_id)
    return list(found[user_id]["history_item_ids"]) if found else []


def receipt_of(worker: Live, *options: str) -> str:
    variables = [f"{name}={value}" for name, value in worker.system.environment.items()]
    command = ["env", *variables, sys.executable, "-m", "streaming.erase", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_an_item_is_found_in_no_store_but_where_it_says_that_it_is_gone(worker: Live, erasures: Erasures) -> None:
    fans = [f"fan-{number}" for number in range(3)]
    theirs = [met(fan, number, item_id) for fan in fans for number, item_id in enumerate(["film", ITEM, "song", ITEM])]
    sessions = [
        msgspec.structs.replace(met("", 0), event_id=f"{name}-e", user_id=None, session_id=name, action="view")
        for name in ("merged-with-it", "came-with-it")
    ]
    worker.send([Item(item_id=ITEM, title="Forbidden-Title-77"), *theirs, *sessions])
    worker.send([Merge(event_id="mwi", session_id="merged-with-it", user_id=fans[0])])
    worker.eventually(lambda: [history(worker, fan).count(ITEM) for fan in fans] == [3, 2, 2])
    worker.eventually(
        lambda: worker.online(features.item_activity, ITEM) and worker.online(features.item_content, ITEM)
    )
    worker.eventually(lambda: history(worker, "session:came-with-it") == [ITEM])
    served(worker, fans[0], "film", ITEM)
    before = {fan: worker.online(features.user_activity, fan)[fan] for fan in fans}
    assert [place for place in found(worker, ITEM) if "offline/user_activity" in place]

    asked = receipt_of(worker, "--item", ITEM)
    worker.eventually(lambda: done(erasures, asked))
    worker.eventually(lambda: not found(worker, "Forbidden-Title-77"))
    assert not worker.online(features.item_content, ITEM)[ITEM]["item_available"]
    assert worker.online(features.item_activity, ITEM)[ITEM]["item_activity_at"] == 0
    receipt = erasures.receipt(asked)
    removed = {each.store: each.rows for each in receipt.removals} if receipt else {}
    for view in ("item_content", "item_activity"):  # where the search was there before the row that took its place
        removed.pop(f"online store: {view}", None)
    assert removed == {
        "offline log: histories": 12,  # three rows of each fan, one of a merge, one of each session
        "offline log: interactions": 8,
        "offline log: item_activity": 8,
        "offline log: item_content": 1,
        "online store: histories": 4,
        "online store: what was served": 1,
    }
    [key] = worker.redis.scan_iter(match=f"*{ITEM}*")  # the item's own empty rows; without them no byte is left
    worker.redis.delete(key)
    worker.redis.bgrewriteaof()
    worker.eventually(lambda: not found(worker, ITEM))
    assert receipt_of(worker, "--receipt", asked).startswith("item: done\n")
    for fan in fans:
        row = worker.online(features.user_activity, fan)[fan]
        assert row["history_item_ids"] == ["film", "song"] and len(row["history_timestamps"]) == 2
        kept = {name: value for name, value in row.items() if name.startswith(("user_actions", "user_activity_at"))}
        assert kept == {name: before[fan][name] for name in kept}

    worker.send([*theirs, *sessions, Merge(event_id="cwi", session_id="came-with-it", user_id=fans[1])])
    worker.send([msgspec.structs.replace(each, event_id=f"again-{each.event_id}") for each in theirs])
    worker.send([click(fans[2], 20, "film")])  # behind what this user sent again
    worker.eventually(lambda: history(worker, fans[2])[-2:] == ["song", "film"])
    worker.eventually(lambda: [history(worker, fan).count("song") for fan in fans] == [2, 2, 2])
    assert not found(worker, ITEM)
    worker.send([click(fans[2], 30, ITEM)])  # as of a new item
    worker.eventually(lambda: history(worker, fans[2]).count(ITEM) == 1)
