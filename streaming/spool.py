"""a history on its way -> files of it by user and by item, which other processes map into memory.

``plan.json`` is written when all is read: a backfill that finds it goes on from there.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.columns import EVENTS, shares

USERS, ITEMS = "users", "items"
CATEGORIES = "categories.arrow"
SCHEMAS = {
    USERS: EVENTS,
    ITEMS: pa.schema([EVENTS.field(name) for name in ("number", "item_id", "action", "timestamp")]),
}
KEYS = {USERS: "entity", ITEMS: "item_id"}
PLAN = "plan.json"


class Plan(msgspec.Struct, frozen=True):
    """What is to be done with a spooled history."""

    source: dict[str, Any]
    shards: int
    events: int = 0  # up to ``latest``
    begin: int = 0  # epoch milliseconds
    latest: float | None = None  # events after this one are left out
    rejected: int = 0


def scatter(batches: Iterable[Any], folder: Path, shards: int, report: Callable[[int], object]) -> int:
    """Write record batches of ``EVENTS`` to the files of their users and items; returns how many events there are."""
    count = 0
    with _writers(folder, USERS, shards) as by_user, _writers(folder, ITEMS, shards) as by_item:
        for batch in batches:
            _scatter(batch, USERS, by_user)
            _scatter(batch.select(SCHEMAS[ITEMS].names), ITEMS, by_item)
            count += len(batch)
            report(len(batch))
    return count


def load(folder: Path, kind: str, shard: int, latest: float | None) -> Any:
    """One file's events in the order of their source, up to ``latest``, as a table."""
    with pa.memory_map(str(_file(folder, kind, shard))) as mapped:
        table = pa.ipc.open_stream(mapped).read_all()
    return table if latest is None else table.filter(pc.less_equal(table["timestamp"], latest))


def times(folder: Path, shards: int) -> Any:
    """The times of all events, int64 epoch milliseconds in any order."""
    return np.concatenate([load(folder, ITEMS, shard, None)["timestamp"].to_numpy() for shard in range(shards)])


def save_plan(folder: Path, plan: Plan) -> None:
    """Write the plan, whole or not at all."""
    unfinished = folder / "plan.tmp"
    unfinished.write_bytes(msgspec.json.encode(plan))
    unfinished.replace(folder / PLAN)


def saved_plan(folder: Path) -> Plan | None:
    """The plan of a backfill that was not finished."""
    path = folder / PLAN
    return msgspec.json.decode(path.read_bytes(), type=Plan) if path.exists() else None


def _file(folder: Path, kind: str, shard: int) -> Path:
    return folder / f"{kind}-{shard:04d}.arrow"


@contextmanager
def _writers(folder: Path, kind: str, shards: int) -> Iterator[list[Any]]:
    with ExitStack() as stack:
        paths = (str(_file(folder, kind, shard)) for shard in range(shards))
        yield [stack.enter_context(pa.ipc.new_stream(path, SCHEMAS[kind])) for path in paths]


def _scatter(batch: Any, kind: str, writers: list[Any]) -> None:
    if len(writers) == 1:
        return writers[0].write_batch(batch)  # type: ignore[no-any-return]
    share = shares(batch.column(KEYS[kind]), len(writers))
    order = np.argsort(share, kind="stable")
    ends = np.searchsorted(share[order], np.arange(len(writers) + 1))
    ordered = batch.take(pa.array(order))
    for writer, begin, end in zip(writers, ends[:-1], ends[1:], strict=True):
        if end > begin:
            writer.write_batch(ordered.slice(begin, end - begin))
