"""What is to be forgotten, until when, and what was removed where: four tables beside Feast's registry.

A receipt is what its asker gets to read. A task is what is still to be done for it, and the only place that names the
user or item; it goes when it is done. A mark outlives both: it says under a digest of the id until when rows and
events are void, so that nothing old brings a user back.
"""

import time
from collections.abc import Iterable, Mapping
from threading import RLock
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update

from feature_repo.erasure_receipts import Receipt, read
from feature_repo.erasure_tables import marks, metadata, receipts, removals, tasks
from feature_repo.pseudonym import pseudonym
from feature_repo.settings import StoreSettings
from feature_repo.sql_tables import SqlTables

DIGITS = 40  # of a digest: whoever shares one would be forgotten too
Kind = Literal["user", "item"]


class Mark(NamedTuple):
    """Until when an entity's rows and events are void, and the message that said so."""

    until: int  # epoch microseconds: rows stamped no later
    before: int = 0  # epoch milliseconds: events that happened no later
    log: int = 0  # ledger.partition_key of the message, or 0
    offset: int = -1


class Task(NamedTuple):
    """One entity's rows of one view, to be removed from wherever they are."""

    receipt_id: str
    view: str
    entity_id: str
    before: int  # epoch milliseconds of the deletion
    until: int | None = None  # epoch microseconds; none while the owner of the row has not heard of it
    told_ms: int | None = None  # when its owner, or those of other rows that name it, were last told
    looked_ms: int | None = None  # when the stores were first searched


class Erasures:
    """The open tables. Everything raises SQLAlchemyError."""

    def __init__(self, url: str, salt: str = "") -> None:
        self._tables, self._salt = SqlTables(url, metadata), salt
        self._marks: dict[str, dict[str, Mark]] = {}
        self._reading = RLock()  # agents share the marks: one must not put back what it read before another set some

    def digest(self, entity_id: str) -> str:
        """What stands for an id once it is forgotten: an HMAC by FRESHRANK_USER_SALT."""
        return pseudonym(entity_id, self._salt, DIGITS)

    def ask(self, kind: Kind, entity_id: str) -> str:
        """Write a receipt for a deletion that is about to be asked for; returns its id."""
        receipt_id = uuid4().hex
        with self._tables.begin() as connection:
            self._open(connection, receipt_id, kind, entity_id)
        return receipt_id

    def withdraw(self, receipt_id: str) -> None:
        """Drop the receipt of a deletion that could not be asked for."""
        with self._tables.begin() as connection:
            connection.execute(delete(receipts).where(receipts.c.receipt_id == receipt_id))

    def begin(self, receipt_id: str, kind: Kind, entity_id: str, found: Iterable[Task]) -> None:
        """Set the tasks of a receipt, which is written where there is none; those it has stay as they are."""
        with self._tables.begin() as connection:
            self._open(connection, receipt_id, kind, entity_id)
            begun = update(receipts).where(receipts.c.receipt_id == receipt_id, receipts.c.begun_ms.is_(None))
            connection.execute(begun.values(begun_ms=_now()))
            for task in found:
                _add(connection, task)

    def reach(self, reached: Iterable[tuple[Task, Mark]]) -> None:
        """The owner of the rows has heard of it: from now on they are void. A mark never goes back in time."""
        newest = [(task, max(mark, self._mark(task) or mark)) for task, mark in reached]
        with self._reading, self._tables.begin() as connection:
            for task, mark in newest:
                done = select(receipts.c.done_ms).where(receipts.c.receipt_id == task.receipt_id)
                if connection.execute(done).scalar() is None:
                    _add(connection, task)
                reached_now = {"until": mark.until, "told_ms": None, "looked_ms": None}
                connection.execute(update(tasks).where(*_same(task)).values(reached_now))
                self._set(connection, task.view, task.entity_id, mark)

    def marks(self, view: str, entity_ids: Iterable[str]) -> dict[str, Mark]:
        """The marks of those entities that have one; read from the table once, until ``refresh``."""
        if not (known := self._known(view)):
            return {}
        return {each: known[digest] for each in set(entity_ids) if (digest := self.digest(each)) in known}

    def refresh(self) -> None:
        """Read the marks again when they are next asked for: others may have set some."""
        self._marks = {}

    def heed(self, view: str, found: Iterable[Task]) -> None:
        """Read a view's marks again where another process has set those of these tasks."""
        until = {task.entity_id: task.until for task in found if task.view == view and task.until is not None}
        known = self.marks(view, until)
        if any(each not in known or known[each].until < stamp for each, stamp in until.items()):
            with self._reading:
                self._marks.pop(view, None)

    def tasks(self) -> list[Task]:
        """What is still to be done, the oldest receipt first."""
        with self._tables.begin() as connection:
            order = (receipts.c.asked_ms, tasks.c.receipt_id, tasks.c.view, tasks.c.entity_id)
            found = select(tasks).join(receipts, receipts.c.receipt_id == tasks.c.receipt_id).order_by(*order)
            return [Task(*row) for row in connection.execute(found)]

    def told(self, task: Task) -> None:
        """The owner of the rows has been sent word, or owners of others that have yet to answer."""
        with self._tables.begin() as connection:  # unless it has answered meanwhile
            same = [*_same(task), tasks.c.until == task.until]
            connection.execute(update(tasks).where(*same).values(told_ms=_now()))

    def looked(self, task: Task) -> None:
        """The stores were searched once."""
        with self._tables.begin() as connection:
            connection.execute(update(tasks).where(*_same(task)).values(looked_ms=_now()))

    def finish(self, task: Task) -> None:
        """Drop a task; with the last one of its receipt the receipt is done."""
        with self._tables.begin() as connection:
            connection.execute(delete(tasks).where(*_same(task)))
            left = select(tasks.c.view).where(tasks.c.receipt_id == task.receipt_id)
            if connection.execute(left).first() is None:
                done = update(receipts).where(receipts.c.receipt_id == task.receipt_id)
                connection.execute(done.values(done_ms=_now()))

    def removed(self, task: Task, store: str, rows: int, place: str = "") -> None:
        """Note what a store lost (at one place of it); said again of the same, it counts once."""
        place = f"{self.digest(task.entity_id)} {place}".strip()
        row = {"receipt_id": task.receipt_id, "store": store, "place": place}
        with self._tables.begin() as connection:
            before = [removals.c[name] == value for name, value in row.items()]
            had = connection.execute(select(removals.c.rows).where(*before)).scalar() or 0
            connection.execute(delete(removals).where(*before))
            connection.execute(insert(removals), row | {"rows": max(rows, had), "at_ms": _now()})

    def receipt(self, receipt_id: str) -> Receipt | None:
        """The receipt, or None where there is none."""
        with self._tables.begin() as connection:
            return read(connection, receipt_id)

    def close(self) -> None:
        """Give the connections back."""
        self._tables.close()

    def _known(self, view: str) -> Mapping[str, Mark]:
        with self._reading:
            if (known := self._marks.get(view)) is None:
                with self._tables.begin() as connection:
                    found = connection.execute(select(marks).where(marks.c.view == view)).all()
                known = {row.digest: Mark(row.until, row.before, int(row.log), row.offset) for row in found}
                self._marks[view] = known
            return known

    def _mark(self, task: Task) -> Mark | None:
        return self.marks(task.view, [task.entity_id]).get(task.entity_id)

    def _open(self, connection: Connection, receipt_id: str, kind: Kind, entity_id: str) -> None:
        mine = select(receipts.c.receipt_id).where(receipts.c.receipt_id == receipt_id)
        if connection.execute(mine).first() is None:
            row = {"receipt_id": receipt_id, "kind": kind, "digest": self.digest(entity_id), "asked_ms": _now()}
            connection.execute(insert(receipts), row)

    def _set(self, connection: Connection, view: str, entity_id: str, mark: Mark) -> None:
        key = {"view": view, "digest": self.digest(entity_id)}
        mine = [marks.c[name] == value for name, value in key.items()]
        connection.execute(delete(marks).where(*mine))
        connection.execute(insert(marks), key | mark._asdict() | {"log": str(mark.log)})
        if view in self._marks:
            self._marks[view][key["digest"]] = mark


def open_erasures(settings: StoreSettings) -> Erasures:
    """The tables where these settings have the registry."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Erasures(settings.registry_url, settings.salt or "")


def _add(connection: Connection, task: Task) -> None:
    if connection.execute(select(tasks.c.view).where(*_same(task))).first() is None:
        connection.execute(insert(tasks), task._asdict())


def _same(task: Task) -> list[Any]:
    keys: Mapping[str, str] = {"receipt_id": task.receipt_id, "view": task.view, "entity_id": task.entity_id}
    return [tasks.c[name] == value for name, value in keys.items()]


def _now() -> int:
    return time.time_ns() // 1_000_000
