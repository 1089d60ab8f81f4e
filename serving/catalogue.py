"""What the API knows of items: the item table, kept current by one writer, the event loop.

``wanted`` names the items whose rows or vectors must still be fetched; loader.py empties it.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from streaming.events import ItemChange

Array = npt.NDArray[Any]
WANTED_LIMIT = 100_000  # ids that wait to be loaded; what is beyond is asked for again by the next request


class Candidates(NamedTuple):
    """The caller's items, sorted by what can be done with them; ``rows`` are those of ``ids`` in the table."""

    ids: list[str]
    rows: Array  # [len(ids)]
    unknown: list[str]
    unavailable: list[str]


class Catalogue:
    """The item table and what it still lacks."""

    def __init__(self) -> None:
        self.table = ItemTable()
        self.wanted: dict[str, None] = {}  # in the order of asking
        self.absent: set[str] = set()  # looked for in vain a moment ago
        self.loaded = False  # the promoted bundle's items have their rows
        self.changed_at = 0.0  # epoch seconds of the newest change taken over
        self._stamps: dict[tuple[str, str], int] = {}

    def candidates(self, item_ids: Iterable[str]) -> Candidates:
        """Which of these items can be ranked, each once; unknown ones become wanted."""
        unique = list(dict.fromkeys(item_ids))
        rows = self.table.rows(unique)
        if not len(self.table):
            self.want(unique)
            return Candidates([], rows[:0], unique, [])
        known = rows >= 0
        available = self.table.column("item_available")[rows] & known
        rankable = self.table.column("item_encoded")[rows] & available
        if rankable.all():
            return Candidates(unique, rows, [], [])
        unavailable, unknown = known & ~available, ~rankable & (available | ~known)
        self.want(_chosen(unique, unknown))
        return Candidates(
            _chosen(unique, rankable), rows[rankable], _chosen(unique, unknown), _chosen(unique, unavailable)
        )

    def want(self, item_ids: Iterable[str]) -> None:
        """Have these items loaded soon."""
        for item_id in item_ids:
            if item_id not in self.absent and len(self.wanted) < WANTED_LIMIT:
                self.wanted.setdefault(item_id)

    def take_over(self, changes: Iterable[ItemChange]) -> None:
        """Rows that were just written; those older than what is here change nothing."""
        for change in changes:
            if change.stamp > self._stamps.get((change.view, change.item_id), 0):
                self._stamps[change.view, change.item_id] = change.stamp
                self.put(change.view, change.item_id, change.row | {"event_timestamp": change.stamp})
                self.changed_at = time.time()

    def put(self, view: str, item_id: str, row: dict[str, Any]) -> None:
        """Take over a row of an item view; an item new to the model becomes wanted for its vector."""
        if view == "item_activity":
            self.table.put_activity(item_id, row)
            return
        self.table.put_content(item_id, row)
        self.absent.discard(item_id)
        if not self.encoded(item_id):
            self.want([item_id])

    def put_stored(self, view: str, item_id: str, row: dict[str, Any]) -> None:
        """A row read from the online store: as good as a change only where no change was seen."""
        if (view, item_id) not in self._stamps:
            self.put(view, item_id, row)

    def encoded(self, item_id: str) -> bool:
        """Whether the item has a vector of the current model."""
        row = self.table.index.get(item_id, -1)
        return row >= 0 and bool(self.table.column("item_encoded")[row])

    def replace_vectors(self, item_ids: Sequence[str], vectors: Array) -> None:
        """Take over another model's item vectors; items new to the table or without a vector become wanted."""
        known = len(self.table)
        self.table.replace_vectors(item_ids, vectors)
        self.want(_chosen(self.table.ids[:known], ~self.table.column("item_encoded")[:known]))
        self.want(self.table.ids[known:])
        self.loaded &= known > 0


def _chosen(item_ids: Sequence[str], mask: Array) -> list[str]:
    return [item_ids[place] for place in np.flatnonzero(mask).tolist()]
