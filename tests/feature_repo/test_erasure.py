"""Receipts, tasks and marks in their tables."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from feature_repo.erasure import Erasures, Mark, Task, open_erasures
from feature_repo.erasure_receipts import Removal, state_of
from feature_repo.settings import StoreSettings
from tests.postgres import database, postgres

_numbers = count()
TASK, OTHER = Task("r", "user_profile", "ann-17", 5, until=9), Task("r", "user_activity", "ann-17", 5)


@pytest.fixture(scope="module")
def server() -> Iterator[StoreSettings]:
    with postgres() as settings:
        yield settings


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.process)])
def erasures(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Erasures]:
    """In both databases that a registry may have."""
    url = None
    if request.param == "postgres":
        url = database(request.getfixturevalue("server"), f"test_{next(_numbers)}").postgres_url
    opened = open_erasures(StoreSettings(data_dir=tmp_path, registry=url, user_salt=SecretStr("salt")))
    yield opened
    opened.close()


def state(erasures: Erasures, receipt_id: str) -> str:
    receipt = erasures.receipt(receipt_id)
    assert receipt
    return state_of(receipt)


def test_a_receipt_goes_through_its_states(erasures: Erasures) -> None:
    receipt_id = erasures.ask("user", "ann-17")
    assert state(erasures, receipt_id) == "asked"
    todo = [each._replace(receipt_id=receipt_id) for each in (TASK, OTHER)]
    erasures.begin(receipt_id, "user", "ann-17", todo)
    assert state(erasures, receipt_id) == "erasing"
    for task in todo:
        erasures.looked(task)
    assert state(erasures, receipt_id) == "erased"
    erasures.finish(todo[0])
    assert state(erasures, receipt_id) == "erased"
    erasures.finish(todo[1])
    assert state(erasures, receipt_id) == "done" and erasures.tasks() == []


def test_a_deletion_that_nobody_wrote_a_receipt_for_gets_one(erasures: Erasures) -> None:
    erasures.begin("r", "user", "ann-17", [TASK, OTHER])
    erasures.begin("r", "user", "ann-17", [TASK, OTHER])  # again, after a crash
    assert set(erasures.tasks()) == {TASK, OTHER}
    assert state(erasures, "r") == "erasing"
    assert erasures.receipt("nobody's") is None


def test_a_receipt_that_was_not_asked_for_after_all_is_gone(erasures: Erasures) -> None:
    receipt_id = erasures.ask("user", "ann-17")
    erasures.withdraw(receipt_id)
    assert erasures.receipt(receipt_id) is None


def test_what_was_removed_counts_once_per_place(erasures: Erasures) -> None:
    erasures.begin("r", "user", "ann-17", [TASK])
    for part, rows in (("1", 4), ("2", 3), ("1", 4), ("1", 0)):
        erasures.removed(TASK, "offline log: user_profile", rows, part)
    receipt = erasures.receipt("r")
    assert receipt
    assert [each._replace(at_ms=0) for each in receipt.removals] == [Removal("offline log: user_profile", 7, 0)]


def test_a_mark_is_known_by_the_id_alone_and_never_goes_back(erasures: Erasures) -> None:
    erasures.begin("r", "user", "ann-17", [OTHER])
    later, earlier = Mark(20, 2, 2**64 - 1, 7), Mark(10, 1, 3, 4)
    erasures.reach([(OTHER, later)])
    erasures.reach([(OTHER, earlier)])
    erasures.refresh()
    assert erasures.marks("user_activity", ["ann-17", "bob"]) == {"ann-17": later}
    assert erasures.marks("user_profile", ["ann-17"]) == {}
    assert [task.until for task in erasures.tasks()] == [20]


def test_marks_that_another_process_has_set_are_heard_of_by_its_tasks(erasures: Erasures) -> None:
    film = Task("r", "item_activity", "film", 5)
    assert erasures.marks("item_activity", ["film"]) == {}
    other = Erasures(erasures._tables.engine.url, "salt")  # type: ignore[arg-type]
    other.begin("r", "item", "film", [film])
    other.reach([(film, Mark(20, 5))])
    other.close()
    assert erasures.marks("item_activity", ["film"]) == {}
    erasures.heed("item_activity", erasures.tasks())
    assert erasures.marks("item_activity", ["film", "song"]) == {"film": Mark(20, 5)}


def test_an_owner_that_has_answered_is_not_one_that_was_told(erasures: Erasures) -> None:
    erasures.begin("r", "user", "ann-17", [OTHER])
    erasures.reach([(OTHER, Mark(20))])
    erasures.told(OTHER)  # the answer was there before this was written down
    assert [task.told_ms for task in erasures.tasks()] == [None]
    erasures.told(erasures.tasks()[0])  # the owners of other rows
    assert [task.told_ms is not None for task in erasures.tasks()] == [True]


def test_a_message_that_is_read_again_after_all_is_done_opens_nothing_anew(erasures: Erasures) -> None:
    erasures.begin("r", "user", "ann-17", [OTHER])
    erasures.reach([(OTHER, Mark(20))])
    erasures.finish(OTHER)
    erasures.reach([(OTHER, Mark(20))])
    assert erasures.tasks() == [] and state(erasures, "r") == "done"


def test_no_byte_of_the_file_names_who_is_forgotten(tmp_path: Path) -> None:
    erasures = open_erasures(StoreSettings(data_dir=tmp_path))
    erasures.begin("r", "user", "ann-17", [TASK, OTHER])
    erasures.reach([(TASK, Mark(9)), (OTHER, Mark(9))])
    erasures.removed(OTHER, "online store: user_activity", 1)
    assert b"ann-17" in (tmp_path / "registry.db").read_bytes()
    erasures.finish(TASK)
    erasures.finish(OTHER)
    assert b"ann-17" not in (tmp_path / "registry.db").read_bytes()
    erasures.close()


def test_digests_depend_on_the_salt(erasures: Erasures) -> None:
    assert erasures.digest("ann-17") != Erasures("sqlite://").digest("ann-17")
    assert erasures.digest("ann-17") == erasures.digest("ann-17") != erasures.digest("ann-18")


def test_many_processes_may_make_the_tables_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"

    def ask(number: int) -> str:
        opened = Erasures(url)
        try:
            return opened.ask("user", str(number))
        finally:
            opened.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 4
    with create_engine(url).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM erasure_receipts")).scalar() == 4
