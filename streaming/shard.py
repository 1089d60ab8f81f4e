"""one shard of a spooled history -> parts of the offline log and the last rows online.

A shard that is done says so in a file; until then it may be done again from its start, with the same outcome: parts
have the names that they had, and the online store keeps a row that is as new.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import feature_repo.lean_feast  # noqa: F401

import msgspec
import numpy as np
import pyarrow as pa
from feast import FeatureStore, FeatureView

from feature_repo import features
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.contents import saved_rows
from streaming.item_shard import item_events, item_parts
from streaming.offline_log import INTERACTIONS
from streaming.parts import append
from streaming.row_log import open_log
from streaming.spool import CATEGORIES, ITEMS, USERS, Plan, load
from streaming.user_shard import user_events, user_parts

PART_ROWS = 32_768  # events in one part of the offline log
ONLINE_BATCH = 1_000  # rows in one write to the online store


class Work(NamedTuple):
    """What every shard of one backfill needs."""

    folder: Path  # of the spool
    plan: Plan
    settings: StoreSettings
    report: Callable[[int], object]  # hears of rows written


class Done(msgspec.Struct, frozen=True):
    """What came of one shard."""

    entities: int
    rows: int = 0  # that the bar shows
    twice: list[int] = []  # numbers of events that their user had before


def users(work: Work, shard: int) -> Done:
    """Write the rows of one shard's users."""
    return _once(work, f"{USERS}-{shard:04d}", lambda: _users(work, shard))


def items(work: Work, shard: int) -> Done:
    """Write the rows of one shard's items; the shards of all users are done."""
    return _once(work, f"{ITEMS}-{shard:04d}", lambda: _items(work, shard))


def content(work: Work, view: str) -> Done:
    """Write the rows of a view of the catalogue: ``item_content`` or ``user_profile``."""
    return _once(work, view, lambda: _content(work, view))


def write_online(store: FeatureStore, view: FeatureView, rows: Iterable[Row]) -> int:
    """Write rows to the online store, some at a time; returns how many."""
    online, iterator, count = OnlineRows(store, view), iter(rows), 0
    while batch := list(islice(iterator, ONLINE_BATCH)):
        online.write(batch)
        count += len(batch)
    return count


def _users(work: Work, shard: int) -> Done:
    with pa.memory_map(str(work.folder / CATEGORIES)) as mapped:
        catalogue = pa.ipc.open_file(mapped).read_all()
    events, twice = user_events(load(work.folder, USERS, shard, work.plan.latest), catalogue)
    log, store, count = open_log(work.settings), open_store(work.settings), 0
    for number, part in enumerate(user_parts(events, PART_ROWS)):
        append(log, features.user_activity.name, _part(shard, number), part.activity)
        append(log, INTERACTIONS, _part(shard, number), part.interactions)
        count += write_online(store, features.user_activity, part.last)
        work.report(len(part.activity))
    return Done(count, len(events.table), twice.tolist())


def _items(work: Work, shard: int) -> Done:
    twice = [number for path in work.folder.glob(f"{USERS}-*.done") for number in _read(path).twice]
    events = item_events(load(work.folder, ITEMS, shard, work.plan.latest), np.array(twice, np.int64))
    log, store, count = open_log(work.settings), open_store(work.settings), 0
    for number, part in enumerate(item_parts(events, PART_ROWS)):
        append(log, features.item_activity.name, _part(shard, number), part.activity)
        count += write_online(store, features.item_activity, part.last)
        work.report(len(part.activity))
    return Done(count, len(events.numbers))


def _content(work: Work, name: str) -> Done:
    view, rows = next(each for each in features.VIEWS if each.name == name), saved_rows(work.folder, name)
    open_log(work.settings).append(name, "backfill", rows)
    return Done(write_online(open_store(work.settings), view, rows))


def _part(shard: int, number: int) -> str:
    return f"backfill-{shard:04d}-{number:06d}"


def _once(work: Work, name: str, write: Callable[[], Done]) -> Done:
    path = work.folder / f"{name}.done"
    if path.exists():
        work.report(_read(path).rows)
        return _read(path)
    done, unfinished = write(), path.with_suffix(".tmp")
    unfinished.write_bytes(msgspec.json.encode(done))
    unfinished.replace(path)
    return done


def _read(path: Path) -> Done:
    return msgspec.json.decode(path.read_bytes(), type=Done)
