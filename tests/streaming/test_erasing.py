"""What is searched when, what two deletions of one user lead to, and the command."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from feature_repo.erasure import Erasures, Mark, Task, open_erasures
from feature_repo.features import VIEWS, item_activity, user_activity
from feature_repo.online import Row
from feature_repo.settings import StoreSettings
from feature_repo.user_activity import UserActivity, advance, from_row, to_row, without
from streaming import owners
from streaming.erasing import TOLD_AGAIN_MS, Stores, carry_out, due, now, untold
from streaming.events import Interaction
from streaming.forget import ForgetVisits
from streaming.offline_log import MERGES, OfflineLog
from streaming.owners import OwnersSilent, Tell
from streaming.rows import interaction_row
from tests.fakes import MemoryRows

T = 1_750_000_000_000
TASK = Task("r", "user_activity", "u", T)
ROW = Row("u", T * 1000, to_row(advance(UserActivity(), "film", "click", T)))


class Rows(MemoryRows):
    """Rows of a store that keeps a file."""

    rewritten = 0

    def rewrite_log(self) -> bool:
        self.rewritten += 1
        return True


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    online: Any = {view.name: Rows(view) for view in VIEWS}
    return Stores(OfflineLog(tmp_path / "offline"), online, open_erasures(StoreSettings(data_dir=tmp_path)), tmp_path)


def nobody(messages: Sequence[ForgetVisits]) -> None:
    raise AssertionError("nobody has to be told")


def reach(erasures: Erasures, receipt_id: str, until: int) -> None:
    task = TASK._replace(receipt_id=receipt_id)
    erasures.begin(receipt_id, "user", "u", [task])
    erasures.reach([(task, Mark(until, until // 1000))])


def states(stores: Stores, *receipt_ids: str) -> list[bool]:
    receipts = [stores.erasures.receipt(each) for each in receipt_ids]
    return [receipt is not None and receipt.done_ms is not None for receipt in receipts]


def test_owners_are_told_at_once_and_again_after_a_while() -> None:
    silent, reached = TASK._replace(told_ms=T), TASK._replace(until=5)
    assert untold([TASK, silent, reached], T + 1) == [TASK]
    assert untold([TASK, silent, reached], T + TOLD_AGAIN_MS) == [TASK, silent]


def test_stores_are_searched_once_the_owner_has_heard_and_once_more_later() -> None:
    first, again = TASK._replace(until=5), TASK._replace(until=5, looked_ms=T)
    assert due([TASK, first, again], T + 999, 1000) == [first]
    assert due([TASK, first, again], T + 1000, 1000) == [first, again]


def test_the_second_search_finishes_the_receipt_and_has_the_stores_file_rewritten(stores: Stores) -> None:
    reach(stores.erasures, "r", T * 1000)
    stores.log.append("user_activity", "1", [ROW])
    stores.online["user_activity"].write([ROW])  # of a worker that was frozen
    assert carry_out(stores, stores.erasures.tasks(), 0.0001, nobody) == 2
    assert states(stores, "r") == [False]
    stores.log.append("user_activity", "2", [ROW])
    carry_out(stores, [each._replace(looked_ms=1) for each in stores.erasures.tasks()], 0.0001, nobody)
    assert states(stores, "r") == [True] and stores.online["user_activity"].rewritten == 1  # type: ignore[attr-defined]
    receipt = stores.erasures.receipt("r")
    assert receipt and {each.store: each.rows for each in receipt.removals} == {
        "offline log: user_activity": 2,
        "online store: user_activity": 1,
    }


def test_a_user_who_was_deleted_twice_is_forgotten_until_the_second_time(stores: Stores) -> None:
    reach(stores.erasures, "later", T * 1000 + 9)
    reach(stores.erasures, "sooner", T * 1000)
    stores.log.append(
        "user_activity", "1", [ROW, ROW._replace(stamp=ROW.stamp + 9), ROW._replace(stamp=ROW.stamp + 10)]
    )
    assert carry_out(stores, stores.erasures.tasks(), 0, nobody) == 2
    assert states(stores, "later", "sooner") == [True, True]


def test_sessions_of_a_user_are_tasks_of_the_same_receipt(stores: Stores) -> None:
    reach(stores.erasures, "r", T * 1000)
    stores.log.append(MERGES, "1", [Row("m", T * 1000, {"user_id": "u", "session": "session:s", "timestamp": T})])
    carry_out(stores, stores.erasures.tasks(), 0, nobody)
    assert stores.erasures.tasks() == [Task("r", user_activity.name, "session:s", T)]
    assert states(stores, "r") == [False]
    reached = stores.erasures.tasks()[0]
    stores.erasures.reach([(reached, Mark(T * 1000))])
    carry_out(stores, stores.erasures.tasks(), 0, nobody)
    assert states(stores, "r") == [True]


def item_reached(stores: Stores) -> None:
    """The film is forgotten until T."""
    task = Task("r", item_activity.name, "film", T)
    stores.erasures.begin("r", "item", "film", [task])
    stores.erasures.reach([(task, Mark(T * 1000, T))])


def owner_of(stores: Stores) -> Tell:
    """The stream, which takes messages at once."""

    def tell(messages: Sequence[ForgetVisits]) -> None:
        for message in messages:
            assert (message.event_id, message.item_id, message.timestamp) == ("r", "film", T)
            row = stores.online["user_activity"].read([message.user_id])[message.user_id]
            left = without(from_row(row.values), {message.item_id: message.timestamp})
            stores.online["user_activity"].write([Row(row.entity_id, row.stamp + 1, to_row(left))])

    return tell


def histories(stores: Stores) -> list[list[str]]:
    parts = (stores.data_dir / "offline/user_activity").glob("[0-9]*.parquet")
    return [row["history_item_ids"] for part in sorted(parts) for row in pq.read_table(part).to_pylist()]


def test_an_item_leaves_the_histories_online_and_then_in_the_log(stores: Stores) -> None:
    item_reached(stores)
    both = to_row(advance(advance(UserActivity(), "film", "click", T), "song", "click", T + 1))
    stores.log.append("user_activity", "1", [ROW, Row("u", T * 1000 + 5, both), Row("v", T * 1000, both)])
    stores.online["user_activity"].write([Row("u", T * 1000 + 5, both)])
    carry_out(stores, stores.erasures.tasks(), 0, owner_of(stores))
    assert histories(stores) == [[], ["song"], ["song"]] and states(stores, "r") == [True]
    assert list(stores.online["user_activity"].read(["u"])["u"].values["history_item_ids"]) == ["song"]
    receipt = stores.erasures.receipt("r")
    assert receipt and {each.store: each.rows for each in receipt.removals} == {
        "offline log: histories": 3,
        "online store: histories": 1,
    }


def test_the_log_keeps_saying_whose_histories_hold_an_item_while_their_owners_are_silent(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "PATIENCE_S", 0.0)
    item_reached(stores)
    reach(stores.erasures, "other", T * 1000 - 1)
    stores.log.append("user_activity", "1", [ROW, Row("v", T * 1000, ROW.values)])
    stores.online["user_activity"].write([ROW])
    with pytest.raises(OwnersSilent):
        carry_out(stores, stores.erasures.tasks(), 0, lambda messages: None)
    assert histories(stores) == [["film"], ["film"]]
    assert states(stores, "r", "other") == [False, True]  # other deletions do not wait for it
    [waiting] = stores.erasures.tasks()
    assert due([waiting], now(), 0) == [] and due([waiting], now() + TOLD_AGAIN_MS, 0) == [waiting]
    carry_out(stores, [waiting._replace(told_ms=None)], 0, owner_of(stores))
    assert histories(stores) == [[], []] and states(stores, "r") == [True]


def test_the_second_search_finds_what_came_into_histories_meanwhile(stores: Stores) -> None:
    item_reached(stores)
    carry_out(stores, stores.erasures.tasks(), 0.0001, nobody)
    stores.log.append("user_activity", "1", [ROW])
    stores.online["user_activity"].write([ROW])
    carry_out(stores, [each._replace(looked_ms=1) for each in stores.erasures.tasks()], 0.0001, owner_of(stores))
    assert histories(stores) == [[]] and states(stores, "r") == [True]


def test_interactions_with_an_item_go_by_their_own_time(stores: Stores) -> None:
    item_reached(stores)
    ahead = T * 1000 + 10**9  # of a user whose clock was
    for number, when in enumerate((T, T + 1)):
        event = Interaction(event_id=f"e{number}", user_id="u", item_id="film", action="click", timestamp=when)
        stores.log.append("interactions", f"1{number}", [interaction_row(event, ahead + number)])
    assert carry_out(stores, stores.erasures.tasks(), 0, nobody) == 1
    parts = (stores.data_dir / "offline/interactions").glob("1*.parquet")
    assert [row["event_id"] for part in parts for row in pq.read_table(part).to_pylist()] == ["e1"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--receipt", "nobodys"], "there is no receipt nobodys"),
        ([], "0 rows removed; 0 tasks wait, 0 of them for a worker"),
    ],
)
def test_the_command_says_what_came_of_it(options: list[str], said: str, tmp_path: Path) -> None:
    command = ["env", f"FRESHRANK_DATA_DIR={tmp_path}", sys.executable, "-m", "streaming.erase", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert said in done.stdout + done.stderr
