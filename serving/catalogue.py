"""What the API knows of items: the item table, kept current by one writer, the event loop.

``wanted`` names the items whose rows must still be read; loader.py empties it. ``vectors.waiting`` names those whose
vectors must still be made; encoding.py does.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from serving.item_vectors import ItemVectors, Trained
from streaming.events import ItemChange

Array = npt.NDArray[Any]
WANTED_LIMIT = 100_000  # ids of requests that wait to be loaded; what is beyond is asked for again by the next one


class Candidates(NamedTuple):
    """The caller's items, sorted by what can be done with them; ``rows`` are those of ``ids`` in the table."""

    ids: list[str]
    rows: Array  # [len(ids)]
    unknown: list[str]
    unavailable: list[str]


class Catalogue:
    """The item table and what it still lacks."""

    def __init__(self, attributes: Collection[str] = ()) -> None:
        self.table = ItemTable(attributes)
        self.vectors = ItemVectors(self.table)
        self.wanted: dict[str, None] = {}  # in the order of asking
        self.absent: set[str] = set()  # looked for in vain a moment ago
        self.loaded = False  # the promoted bundle's items have their rows
        self.changed_at = 0.0  # epoch seconds of the newest change taken over

    def candidates(self, item_ids: Iterable[str]) -> Candidates:
        """Which of these items can be ranked, each once; unknown ones become wanted."""
        unique = list(dict.fromkeys(item_ids))
        rows = self.table.rows(unique)
        if not len(self.table):
            self.want(unique)
            return Candidates([], rows[:0], unique, [])
        rankable = self.table.rankable(rows)
        if rankable.all():
            return Candidates(unique, rows, [], [])
        known, available = rows >= 0, self.table.at("item_available", rows)
        unavailable, unknown = known & ~available, ~rankable & (available | ~known)
        self.want(_chosen(unique, unknown))
        return Candidates(
            _chosen(unique, rankable), rows[rankable], _chosen(unique, unknown), _chosen(unique, unavailable)
        )

    def want(self, item_ids: Iterable[str]) -> None:
        """Have these items loaded or encoded soon."""
        for item_id in item_ids:
            if item_id in self.vectors.waiting:
                self.vectors.asked[item_id] = None
            elif item_id not in self.absent and len(self.wanted) < WANTED_LIMIT:
                self.wanted.setdefault(item_id)

    def take_over(self, changes: Iterable[ItemChange]) -> None:
        """Rows that were just written."""
        for change in changes:
            if self.put(change.view, change.item_id, change.row | {"event_timestamp": change.stamp}):
                self.changed_at = time.time()

    def put(self, view: str, item_id: str, row: dict[str, Any]) -> bool:
        """Take over a row of an item view, heard of or read; False where it is older than the one that is here."""
        stamp = row.get("event_timestamp", 0)
        if stamp < self.table.stamp(view, item_id):
            return False
        if view == "item_activity":
            self.table.put_activity(item_id, row, stamp)
            return True
        self.table.put_content(item_id, row, stamp)
        self.absent.discard(item_id)
        self.vectors.check(item_id, stamp)
        return True

    def replace_vectors(
        self,
        item_ids: Sequence[str],
        vectors: Array,
        fingerprints: Array | None = None,
        residuals: Array | None = None,
    ) -> None:
        """Take over another model's items (item_vectors.Trained); those without a row here become wanted."""
        known = len(self.table)
        self.vectors.replace(item_ids, Trained(vectors, fingerprints, residuals))
        unread = self.table.column("item_content_stamp") == 0
        self.wanted |= dict.fromkeys(_chosen(self.table.ids, unread))
        self.loaded &= known > 0


def _chosen(item_ids: Sequence[str], mask: Array) -> list[str]:
    return [item_ids[place] for place in np.flatnonzero(mask).tolist()]
