"""envelopes of interactions by item -> item_activity rows (online, offline log) and item-changes."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from feature_repo.erasure import Erasures
from feature_repo.features import item_activity
from feature_repo.item_activity import advance
from feature_repo.online import OnlineRows, Row
from streaming.by_item import Entry, Envelope
from streaming.cache import RowCache
from streaming.events import ItemChange
from streaming.forget import ForgetItem, Reached, forgotten_item, reminded_item
from streaming.ledger import is_new, record_item
from streaming.offline_log import new_part
from streaming.row_log import RowLog
from streaming.rows import TrackedItem, item_from_row, item_row, online_item_row


class Advanced(NamedTuple):
    """What a batch of envelopes leads to; nothing of it is stored yet."""

    items: Mapping[str, TrackedItem]  # the changed ones
    item_rows: Sequence[Row]  # one per new interaction, for the log
    online_rows: Sequence[Row]  # the last of each changed item
    changes: Sequence[ItemChange]  # every item of the batch, changed or (after a crash) only told again
    reached: Sequence[Reached]  # what is forgotten


class ItemTracker:
    """The items of this worker's partitions and where their rows are kept."""

    def __init__(self, items: OnlineRows, offline: RowLog, cached: int, erasures: Erasures) -> None:
        self._online, self._offline, self._erasures = items, offline, erasures
        self._items = RowCache(lambda ids: _items(items, erasures, ids), cached)

    def advance(self, batch: Iterable[Envelope | ForgetItem]) -> Advanced:
        """Advance the items of these envelopes; reads the missing rows in one batch."""
        entries = [each for message in batch for each in _entries(message)]
        items = self._items.get_all(entry.item_id for _, _, entry in entries)
        changed: dict[str, TrackedItem] = {}
        last: dict[str, Row] = {}
        item_rows, reached = [], []
        for log, partition, entry in entries:
            item = items.get(entry.item_id, TrackedItem())
            if isinstance(entry, ForgetItem):
                after, now_void = forgotten_item(item, entry)
                reached.append(now_void)
                if after is not item:
                    items[entry.item_id] = changed[entry.item_id] = after
                    last[entry.item_id] = item_row(entry.item_id, after)
                continue
            offset, item_id, action, timestamp = entry
            if timestamp > item.ledger.forgotten and is_new(item.ledger, log, partition, offset):
                ledger = record_item(item.ledger, log, partition, offset, timestamp)
                items[item_id] = changed[item_id] = TrackedItem(advance(item.activity, action, timestamp), ledger)
                last[item_id] = item_row(item_id, changed[item_id])
                item_rows.append(last[item_id])
        online = [online_item_row(row, changed[item_id]) for item_id, row in last.items()]
        told_again = (item_row(item_id, item) for item_id, item in items.items() if item_id not in changed)
        changes = [_change(row) for row in (*last.values(), *told_again)]
        return Advanced(changed, item_rows, online, changes, reached)

    def store(self, advanced: Advanced) -> None:
        """Keep it, the log first."""
        if advanced.item_rows:
            self._offline.append(item_activity.name, new_part(), advanced.item_rows)
        if advanced.reached:  # known to be forgotten before the row that says so is replaced
            self._erasures.reach(advanced.reached)
        if advanced.online_rows:
            self._online.write(advanced.online_rows, item_written_at=time.time_ns() // 1_000_000)
            self._items.put_all(advanced.items)

    def forget(self) -> None:
        """Drop what is cached: the partitions have a new owner."""
        self._items.clear()
        self._erasures.refresh()


def _entries(message: Envelope | ForgetItem) -> list[tuple[int, int, Entry | ForgetItem]]:
    if isinstance(message, ForgetItem):
        return [(0, 0, message)]
    return [(message.log, message.partition, entry) for entry in message.entries]


def _items(online: OnlineRows, erasures: Erasures, item_ids: list[str]) -> dict[str, TrackedItem]:
    known = {item_id: item_from_row(row.values) for item_id, row in online.read(item_ids).items()}
    marks = erasures.marks(item_activity.name, item_ids)
    return known | {each: reminded_item(known.get(each), mark) for each, mark in marks.items()}


def _change(row: Row) -> ItemChange:
    return ItemChange(row.entity_id, "item_activity", row.stamp, dict(row.values))
