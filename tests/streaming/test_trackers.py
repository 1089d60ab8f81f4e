"""Whatever is delivered twice, sent twice or cut short by a crash: the same state and no lost row."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo import item_activity, user_activity
from feature_repo.vocabulary import ACTIONS
from streaming.events import Interaction
from streaming.rows import item_from_row, user_from_row
from streaming.user_activity import Delivery, UserTracker
from tests.fakes import as_logged
from tests.streaming.crashing import LOG, PARTITIONS, Broker, Step, Stores, Worker, partitioned, run

T = 1_750_000_000_000
CATEGORIES = {"a": ["war"], "b": ["drama", "war"]}
USERS = ("u", "v", "xx", "yy")

drawn_events = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from("abc"), st.sampled_from(ACTIONS), st.integers(T, T + 10**8)),
    min_size=1,
    max_size=40,
)
steps = st.lists(st.builds(Step, st.integers(1, 10), st.sampled_from([-1, *range(10)]), st.booleans()), max_size=15)


def stream(drawn: list[tuple[str, str, str, int]]) -> list[Interaction]:
    return [
        Interaction(event_id=str(number), user_id=user, item_id=item, action=action, timestamp=when)  # type: ignore[arg-type]
        for number, (user, item, action, when) in enumerate(drawn)
    ]


def logged(folder: Path, table: str) -> list[dict[str, Any]]:
    return [row for part in sorted((folder / table).glob("*.parquet")) for row in pq.read_table(part).to_pylist()]


def check_users(events: list[Interaction], stores: Stores, folder: Path) -> None:
    """Every user's state and every logged row are those of a plain loop."""
    wanted: dict[str, user_activity.UserActivity] = {}
    seen = [
        {name: value for name, value in row.items() if name not in ("event_timestamp", "created")}
        for row in logged(folder, "user_activity")
    ]
    for event in events:
        before = wanted.get(event.key, user_activity.UserActivity())
        categories = CATEGORIES.get(event.item_id, ())
        wanted[event.key] = user_activity.advance(before, event.item_id, event.action, event.timestamp, categories)  # type: ignore[arg-type]
        assert as_logged(user_activity.to_row(wanted[event.key])) | {"user_id": event.key} in seen
    assert {user: user_from_row(row.values).activity for user, row in stores.users.rows.items()} == wanted
    assert {row["event_id"] for row in logged(folder, "interactions")} == {event.event_id for event in events}


def check_items(events: list[Interaction], stores: Stores, folder: Path) -> None:
    """Every item counts every event once; its log has a row of each."""
    stamps = {(row["item_id"], row["event_timestamp"]) for row in logged(folder, "item_activity")}
    assert len(stamps) == len(events)
    assert set(stores.items.rows) == {event.item_id for event in events}
    for item_id, row in stores.items.rows.items():
        wanted = item_activity.ItemActivity()
        for event in events:
            if event.item_id == item_id:
                wanted = item_activity.advance(wanted, event.action, event.timestamp)  # type: ignore[arg-type]
        activity = item_from_row(row.values).activity
        assert activity.at == wanted.at
        for mine, theirs in zip(activity.counts, wanted.counts, strict=True):
            assert mine == pytest.approx(theirs, rel=1e-9)


@settings(max_examples=60)
@given(drawn_events, steps, st.data())
def test_no_crash_no_redelivery_and_no_duplicate_changes_the_outcome(
    drawn: list[tuple[str, str, str, int]], script: list[Step], data: st.DataObject
) -> None:
    events = stream(drawn)
    sent = list(events)
    for again in data.draw(st.lists(st.sampled_from(events), max_size=8), label="sent twice"):
        first = sent.index(again)
        sent.insert(data.draw(st.integers(first + 1, len(sent)), label="where"), again)
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(Path(folder), CATEGORIES)
        run(Broker(partitioned(sent)), stores, script)
        check_users(events, stores, Path(folder))
        check_items(events, stores, Path(folder))


@pytest.mark.parametrize("dies_before", range(8))
def test_a_crash_before_each_single_step_is_made_good(dies_before: int, tmp_path: Path) -> None:
    """The steps: two parts of the log, the online rows, two envelopes; then the item's part, its rows; then nothing."""
    events = stream([("u", "a", "click", T), ("xx", "b", "view", T + 1), ("u", "b", "like", T - 1)])
    stores = Stores(tmp_path, CATEGORIES)
    crashes = run(Broker(partitioned(events)), stores, [Step(10, dies_before, True)])
    assert crashes == (dies_before < 7)
    check_users(events, stores, tmp_path)
    check_items(events, stores, tmp_path)


def test_a_batch_of_duplicates_writes_nothing(tmp_path: Path) -> None:
    event = stream([("u", "a", "click", T)])[0]
    stores = Stores(tmp_path, CATEGORIES)
    worker = Worker(Broker([[] for _ in range(PARTITIONS)]), stores)
    worker.users.store(worker.users.advance([Delivery(1, 0, event)]))
    advanced = worker.users.advance([Delivery(1, 1, event), Delivery(1, 2, event)])
    assert (advanced.duplicates, advanced.user_rows, advanced.entries) == (2, [], [])


def test_a_redelivery_is_passed_on_but_not_written(tmp_path: Path) -> None:
    event = stream([("u", "a", "click", T)])[0]
    stores = Stores(tmp_path, CATEGORIES)
    worker = Worker(Broker([[] for _ in range(PARTITIONS)]), stores)
    worker.users.store(worker.users.advance([Delivery(1, 0, event)]))
    advanced = worker.users.advance([Delivery(1, 0, event)])
    assert (advanced.online_rows, [entry.offset for _, entry in advanced.entries]) == ([], [0])


def test_a_worker_that_forgets_reads_its_rows_again(tmp_path: Path) -> None:
    stores = Stores(tmp_path, CATEGORIES)
    users = UserTracker(stores.users, stores.contents, stores.offline, LOG, 100, stores.erasures)
    first, second, third = stream([("u", "a", "click", T), ("u", "a", "click", T + 1), ("u", "a", "click", T + 2)])
    users.store(users.advance([Delivery(1, 0, first)]))
    other = UserTracker(stores.users, stores.contents, stores.offline, LOG, 100, stores.erasures)
    other.store(other.advance([Delivery(1, 1, second)]))
    users.forget()
    users.store(users.advance([Delivery(1, 2, third)]))
    assert len(user_from_row(stores.users.read(["u"])["u"].values).activity.history) == 3


def test_a_user_whose_events_move_to_an_added_partition_goes_on_counting(tmp_path: Path) -> None:
    stores = Stores(tmp_path, CATEGORIES)
    users = UserTracker(stores.users, stores.contents, stores.offline, LOG, 100, stores.erasures)
    events = stream([("u", "a", "click", T + number) for number in range(3)])
    users.store(users.advance([Delivery(1, 500, events[0]), Delivery(1, 501, events[1])]))
    moved = users.advance([Delivery(6, 0, events[1]), Delivery(6, 1, events[2])])
    users.store(moved)
    assert moved.duplicates == 1
    assert users.advance([Delivery(6, 1, events[2])]).user_rows == []
    assert len(user_from_row(stores.users.read(["u"])["u"].values).activity.history) == 3
