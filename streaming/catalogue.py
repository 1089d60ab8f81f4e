"""Agents: items and users -> item_content and user_profile rows (online, offline log), item-changes.

The order of the topic decides: a later message replaces an earlier one whatever time it gives. A message without a
value has the item or user forgotten (docs/forgetting.md); what was sent before it is not taken again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from faust.types import EventT, StreamT

from feature_repo.erasure import Erasures, Kind, Mark, Task
from feature_repo.features import item_activity, item_content, user_activity
from feature_repo.online import OnlineRows, Row
from streaming.batches import acknowledge
from streaming.events import LONGEST_ID, RECEIPT, InvalidEvent, Item, ItemChange, User, epoch_ms
from streaming.flow import Flow, read
from streaming.forget import Reached
from streaming.ledger import partition_key
from streaming.offline_log import new_part
from streaming.row_log import RowLog
from streaming.rows import content_row, deleted_content, profile_row

READ_BACK_ERROR = 2  # microseconds: Feast hands a stamp back as a float


class Upsert(NamedTuple):
    """A message of one key; no entry deletes."""

    entity_id: str
    entry: Item | User | None
    received_ms: int
    arrived_ms: int  # at the broker: the same when it is read again
    log: int  # ledger.partition_key
    offset: int
    receipt_id: str


class Taken(NamedTuple):
    """What a batch of upserts leads to; nothing of it is stored yet."""

    rows: Sequence[Row]
    emptied: Sequence[Row]  # of items that are gone: online only
    reached: Sequence[Reached]
    tell: Sequence[Task]  # for the owner of the other view's rows


class Catalogue:
    """The rows of one catalogue view; ``log`` is the topic's incarnation."""

    def __init__(self, online: OnlineRows, offline: RowLog, log: int, erasures: Erasures) -> None:
        self.view, self.log = online.view, log
        self._online, self._offline, self._erasures = online, offline, erasures

    def take(self, upserts: Sequence[Upsert]) -> Taken:
        """A row per entity, from its last upsert, stamped later than the row the store has; and who is forgotten."""
        ids = list({upsert.entity_id for upsert in upserts})
        stored, marks = self._online.read(ids), self._erasures.marks(self.view.name, ids)
        news = [upsert for upsert in upserts if not _void(upsert, marks.get(upsert.entity_id))]
        floors = {each: row.stamp + READ_BACK_ERROR for each, row in stored.items()}
        for each, mark in marks.items():
            floors[each] = max(floors.get(each, 0), mark.until + 1)
        reached = []
        for gone in {upsert.entity_id: upsert for upsert in news if upsert.entry is None}.values():
            until = max(gone.arrived_ms * 1000, floors.get(gone.entity_id, 0))
            floors[gone.entity_id] = until + 1
            task = Task(gone.receipt_id, self.view.name, gone.entity_id, gone.arrived_ms, until)
            reached.append(Reached(task, Mark(until, gone.arrived_ms, gone.log, gone.offset)))
        newest = {upsert.entity_id: upsert for upsert in news}
        rows = [_row(upsert, floors.get(each, 0)) for each, upsert in newest.items() if upsert.entry is not None]
        emptied = [deleted_content(each, floors[each]) for each, upsert in newest.items() if upsert.entry is None]
        other = (item_activity if self._items else user_activity).name
        now_ms = upserts[0].received_ms if upserts else 0
        tell = [task._replace(view=other, until=None, told_ms=now_ms) for task, _ in reached]
        return Taken(rows, emptied if self._items else [], reached, tell)

    def store(self, taken: Taken) -> None:
        """Keep it, the log first."""
        self._offline.append(self.view.name, new_part(), taken.rows)
        kind: Kind = "item" if self._items else "user"
        for (task, _), told in zip(taken.reached, taken.tell, strict=True):
            self._erasures.begin(task.receipt_id, kind, task.entity_id, (task, told))
        if taken.reached and not self._items:
            gone = self._online.erase({task.entity_id: mark.until for task, mark in taken.reached})
            for task, _ in taken.reached:
                self._erasures.removed(task, f"online store: {self.view.name}", int(task.entity_id in gone))
        self._erasures.reach(taken.reached)
        self._online.write([*taken.rows, *taken.emptied])

    @property
    def _items(self) -> bool:
        return self.view is item_content


async def keep(
    upserts: StreamT[bytes], catalogue: Catalogue, decode: Callable[[bytes, int], Item | User], flow: Flow
) -> None:
    """Keep one view current."""
    async for batch in flow.batches(upserts, catalogue.view.name):
        good, poison = read(batch, lambda event, now_ms: _upsert(event, now_ms, decode, catalogue.log))
        taken = await flow.keep(lambda: catalogue.take(good), "reading catalogue rows")  # noqa: B023
        await flow.keep(lambda: catalogue.store(taken), "writing catalogue rows")  # noqa: B023
        await flow.tell(taken.tell)
        if catalogue.view is item_content:
            await flow.announce(changes([*taken.rows, *taken.emptied]))
        await flow.bury(poison)
        acknowledge(batch)


def _upsert(event: EventT[bytes], now_ms: int, decode: Callable[[bytes, int], Item | User], log: int) -> Upsert:
    if not event.key or b"\0" in event.key:
        raise InvalidEvent("a catalogue message needs its id as key, without NUL characters")
    key, raw = _text(event.key), event.message
    if len(key) > LONGEST_ID:  # nobody can have it
        raise InvalidEvent(f"the key has {len(key)} characters, and an id at most {LONGEST_ID}")
    entry = decode(raw.value, now_ms) if raw.value else None
    if entry is not None and entry.key != key:
        raise InvalidEvent(f"the key is {key!r}, but the entry is {entry.key!r}")
    arrived_ms = int(raw.timestamp * 1000) if raw.timestamp else now_ms
    place = partition_key(log, raw.partition)
    receipt = dict(raw.headers or ()).get(RECEIPT) or f"{place:016x}{raw.offset:016x}".encode()
    return Upsert(key, entry, now_ms, arrived_ms, place, raw.offset, _text(receipt))


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"the key is not UTF-8: {error}") from error


def _void(upsert: Upsert, mark: Mark | None) -> bool:
    """Whether the entity was forgotten after this; a topic that was made anew counts from 0, so times tell there."""
    if mark is None:
        return False
    return upsert.offset <= mark.offset if upsert.log == mark.log else upsert.arrived_ms <= mark.before


def _row(upsert: Upsert, floor: int) -> Row:
    entry = upsert.entry
    assert entry is not None
    stamp = max(epoch_ms(entry.timestamp, upsert.received_ms, "timestamp") * 1000, floor)
    return content_row(entry, stamp) if isinstance(entry, Item) else profile_row(entry, stamp)


def changes(rows: Sequence[Row]) -> list[ItemChange]:
    """What the caches must hear of content rows."""
    return [ItemChange(row.entity_id, "item_content", row.stamp, dict(row.values)) for row in rows]
