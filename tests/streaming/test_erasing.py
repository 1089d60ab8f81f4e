"""What is searched when, what two deletions of one user lead to, and the command."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from feature_repo.erasure import Erasures, Mark, Task, open_erasures
from feature_repo.features import VIEWS, user_activity
from feature_repo.online import Row
from feature_repo.settings import StoreSettings
from feature_repo.user_activity import UserActivity, advance, to_row
from streaming.erasing import TOLD_AGAIN_MS, Stores, carry_out, due, untold
from streaming.offline_log import MERGES, OfflineLog
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
    assert carry_out(stores, stores.erasures.tasks(), 0.0001) == 2
    assert states(stores, "r") == [False]
    stores.log.append("user_activity", "2", [ROW])
    carry_out(stores, [each._replace(looked_ms=1) for each in stores.erasures.tasks()], 0.0001)
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
    assert carry_out(stores, stores.erasures.tasks(), 0) == 2
    assert states(stores, "later", "sooner") == [True, True]


def test_sessions_of_a_user_are_tasks_of_the_same_receipt(stores: Stores) -> None:
    reach(stores.erasures, "r", T * 1000)
    stores.log.append(MERGES, "1", [Row("m", T * 1000, {"user_id": "u", "session": "session:s", "timestamp": T})])
    carry_out(stores, stores.erasures.tasks(), 0)
    assert stores.erasures.tasks() == [Task("r", user_activity.name, "session:s", T)]
    assert states(stores, "r") == [False]
    reached = stores.erasures.tasks()[0]
    stores.erasures.reach([(reached, Mark(T * 1000))])
    carry_out(stores, stores.erasures.tasks(), 0)
    assert states(stores, "r") == [True]


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
