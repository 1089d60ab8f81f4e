"""tasks of erasures -> rows gone from the offline log and wherever else they are; the receipts say how many from where.

The owner of a row, in the stream, empties it and says until when rows are void; what is left to do is here, since it
takes longer than a batch may. Every step can be repeated, so a crash costs nothing. All stores are searched once more a
quarter of an hour later: a worker that was frozen meanwhile, or a backfill, may have put old rows back.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import feature_repo.lean_feast  # noqa: F401

from feast import FeatureStore

from feature_repo.erasure import Erasures, Task
from feature_repo.features import VIEWS, item_activity, item_content, user_activity, user_profile
from feature_repo.online import OnlineRows
from feature_repo.settings import StoreSettings
from streaming import log_erasure
from streaming.offline_log import INTERACTIONS, MERGES
from streaming.owners import Owners, OwnersSilent, Tell
from streaming.part_erasure import STAMP
from streaming.pseudonymise import pseudonymise
from streaming.row_log import RowLog

log = logging.getLogger(__name__)

EVENT_TIME = "timestamp"  # of an interaction: its row is stamped with its user's, who may have been ahead
TABLES: Mapping[str, Sequence[tuple[str, str, str]]] = {  # view -> tables of the offline log, each by an id and a time
    user_profile.name: [(user_profile.name, "user_id", STAMP)],
    user_activity.name: [
        (user_activity.name, "user_id", STAMP),
        (INTERACTIONS, "user_id", STAMP),
        (MERGES, "user_id", STAMP),
        (MERGES, "session", STAMP),
    ],
    item_content.name: [(item_content.name, "item_id", STAMP)],
    item_activity.name: [(item_activity.name, "item_id", STAMP), (INTERACTIONS, "item_id", EVENT_TIME)],
}
RENAMED = "snapshots and runs, under a pseudonym now"
HISTORIES, SERVED = "histories", "what was served"
TOLD_AGAIN_MS = 60_000  # an owner that has not answered is told once more


class Stores(NamedTuple):
    """Where rows may be."""

    log: RowLog
    online: Mapping[str, OnlineRows]  # by view
    erasures: Erasures
    data_dir: Path


def stores_of(store: FeatureStore, log: RowLog, erasures: Erasures, settings: StoreSettings) -> Stores:
    """All of them, open."""
    return Stores(log, {view.name: OnlineRows(store, view) for view in VIEWS}, erasures, settings.data_dir.resolve())


def untold(tasks: Sequence[Task], now_ms: int) -> list[Task]:
    """Tasks whose owners have to be told, or told again."""
    return [each for each in tasks if each.until is None and now_ms - (each.told_ms or 0) >= TOLD_AGAIN_MS]


def due(tasks: Sequence[Task], now_ms: int, again_ms: float) -> list[Task]:
    """Tasks whose stores are to be searched now: for the first time, or once more, unless others have yet to answer."""
    reached = [each for each in tasks if each.until is not None and now_ms - (each.told_ms or 0) >= TOLD_AGAIN_MS]
    return [each for each in reached if each.looked_ms is None or now_ms - each.looked_ms >= again_ms]


def erase(stores: Stores, tasks: Sequence[Task], again_ms: float, tell: Tell) -> int:
    """Search all stores for what these tasks name, and remove it; returns how many rows were.

    Raises OwnersSilent when all is done but what waits for owners of users' rows.
    """
    tasks = [*tasks, *_sessions(stores, tasks)]
    by_view: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.until is not None:
            by_view[task.view].append(task)
    count, searched, silent = 0, list[Task](), None
    for view, asked in by_view.items():
        try:
            count += _erase(stores, view, asked, tell)
        except OwnersSilent as error:
            silent = error
            for task in asked:
                stores.erasures.told(task)
        else:
            searched += asked
    last = [task for task in searched if task.looked_ms is not None or not again_ms]
    if last:
        stores.online[user_activity.name].rewrite_log()
    for task in searched:
        (stores.erasures.finish if task in last else stores.erasures.looked)(task)
    if silent:
        raise silent
    return count


def _erase(stores: Stores, view: str, tasks: Sequence[Task], tell: Tell) -> int:
    tasks = sorted(tasks, key=lambda task: task.until or 0)
    until = {task.entity_id: task.until or 0 for task in tasks}  # who was deleted twice: until the second time
    before = {task.entity_id: task.before for task in tasks}
    before |= {each: mark.before for each, mark in stores.erasures.marks(view, until).items()}
    of = {task.entity_id: task for task in reversed(tasks)}
    gone = stores.online[view].erase(until)
    for entity_id in gone:
        stores.erasures.removed(of[entity_id], f"online store: {view}", 1)
    count = len(gone)
    for table, column, at in TABLES[view]:

        def report(part: str, rows: Mapping[str, int], table: str = table) -> None:
            nonlocal count
            for entity_id, each in rows.items():
                stores.erasures.removed(of[entity_id], f"offline log: {table}", each, part)
                count += each

        log_erasure.erase(stores.log, table, column, until if at == STAMP else before, report, at)
    if view == item_activity.name:
        count += _erase_from_users(stores, of, before, tell)
    if view == user_activity.name:
        for path, rows in pseudonymise(stores.data_dir, until):
            for user_id, each in rows.items():
                stores.erasures.removed(of[user_id], RENAMED, each, str(path.relative_to(stores.data_dir)))
    return count


def _erase_from_users(stores: Stores, of: Mapping[str, Task], before: Mapping[str, int], tell: Tell) -> int:
    """Take items out of what users did and were served; returns from how many rows and lists."""
    users, count = stores.online[user_activity.name], 0

    def report(store: str, place: str, rows: Mapping[str, int]) -> None:
        nonlocal count
        for item_id, each in rows.items():
            stores.erasures.removed(of[item_id], store, each, place)
            count += each

    def settle(user_ids: set[str]) -> None:
        owners.settle(user_ids, lambda rows: report(f"online store: {HISTORIES}", uuid4().hex, rows))

    report(f"online store: {SERVED}", uuid4().hex, users.unserve(set(before)))
    owners = Owners(users, tell, before, {item_id: task.receipt_id for item_id, task in of.items()})
    log_erasure.erase_visits(stores.log, before, settle, partial(report, f"offline log: {HISTORIES}"))
    return count


def _sessions(stores: Stores, tasks: Sequence[Task]) -> list[Task]:
    """What is to be done for the sessions that were merged into these users; their owners have yet to be told."""
    users = {task.entity_id: task for task in tasks if task.view == user_activity.name}
    if not users:
        return []
    found = log_erasure.sessions(stores.log, {task.entity_id: task.until or 0 for task in users.values()})
    added = [users[user_id]._replace(entity_id=session, until=None, told_ms=None) for user_id, session in found]
    for task in added:
        stores.erasures.begin(task.receipt_id, "user", task.entity_id, [task])
    return added


def carry_out(stores: Stores, tasks: Sequence[Task], again_s: float, tell: Tell) -> int:
    """Do what is due of these tasks; returns how many rows were removed. Raises OwnersSilent."""
    stores.erasures.heed(item_activity.name, tasks)
    found = due(tasks, now(), again_s * 1000)
    count = erase(stores, found, again_s * 1000, tell) if found else 0
    if count:
        log.info("%d rows of %d erasures removed", count, len({task.receipt_id for task in found}))
    return count


def now() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000
