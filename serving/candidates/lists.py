"""The item table -> the lists that all users share (popular, trending, new), made anew every second or so."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable

Array = npt.NDArray[Any]
KEPT = 2000  # rows a list
_EMPTY = np.zeros(0, np.int64)


class Shared(NamedTuple):
    """A source whose answer does not depend on who asks."""

    name: str
    columns: tuple[str, ...]  # of the item table, that it is made from
    best: Callable[[Mapping[str, Array], int, int], Array]  # columns, now, count -> places, the best first


class Lists:
    """The lists as they were last made."""

    def __init__(self, table: ItemTable, shared: tuple[Shared, ...]) -> None:
        self._table, self._shared = table, shared
        self._rows: dict[str, Array] = {}

    def of(self, name: str, count: int) -> Array:
        """The first ``count`` rows of a list that can be recommended at this moment."""
        rows = self._rows.get(name, _EMPTY)
        return rows[self._table.rankable(rows)][:count]

    def look(self) -> dict[str, Array]:
        """The columns that the lists are made from; asked by the event loop, which writes the table."""
        names = {name for shared in self._shared for name in shared.columns} | {"item_available", "item_encoded"}
        return {name: self._table.column(name) for name in sorted(names)}

    def make(self, columns: Mapping[str, Array], now_ms: int) -> None:
        """Make all lists. Runs in a thread: tens of milliseconds for a million items."""
        allowed = np.flatnonzero(columns["item_available"] & columns["item_encoded"])
        whole = len(allowed) == len(columns["item_encoded"])
        chosen = columns if whole else {name: column[allowed] for name, column in columns.items()}
        self._rows = {each.name: allowed[each.best(chosen, now_ms, KEPT)] for each in self._shared}
