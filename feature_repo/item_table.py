"""The catalogue in memory: rows of Feast's item views and item vectors as columns, kept current row by row.

A ranking reads its candidates here (microseconds) and not from the online store (a millisecond per hundred cells).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.inputs import with_defaults
from feature_repo.vocabulary import ACTIONS, HALF_LIVES, ITEM_CATEGORIES, VECTOR_SIZE

Array = npt.NDArray[Any]

_COLUMNS: dict[str, tuple[tuple[int, ...], str]] = {
    "item_vectors": ((VECTOR_SIZE,), "float32"),
    "item_encoded": ((), "bool"),  # whether it has a vector: nothing can be said of an item without one
    **{f"item_actions_{window}": ((len(ACTIONS),), "float64") for window in HALF_LIVES},
    "item_activity_at": ((), "int64"),
    "item_ctr_7d": ((), "float64"),
    "item_published_at": ((), "int64"),
    "item_category_codes": ((ITEM_CATEGORIES,), "int64"),
    "item_available": ((), "bool"),
    "item_content_stamp": ((), "int64"),  # epoch microseconds of the row, 0 where there is none
    "item_activity_stamp": ((), "int64"),
}


class ItemTable:
    """Columns of every known item; ``index`` maps item_id to its row."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.ids: list[str] = []
        self.titles: list[str] = []
        self.category_codes: dict[str, int] = {}
        self._columns = {name: np.zeros((0, *shape), dtype) for name, (shape, dtype) in _COLUMNS.items()}

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> Array:
        """One column over all items, in row order (a view: do not keep it across writes)."""
        return self._columns[name][: len(self.ids)]

    def rows(self, item_ids: Iterable[str]) -> Array:
        """Row numbers of these ids, -1 for an unknown one."""
        return np.fromiter(map(self.index.get, item_ids, repeat(-1)), np.int64)

    def take(self, rows: Array) -> dict[str, Array]:
        """The columns of some rows, [n, ...] each."""
        return {name: column[rows] for name, column in self._columns.items()}

    def vectors(self, item_ids: Sequence[str]) -> Array:
        """Vectors [n, VECTOR_SIZE]; zeros for an unknown item."""
        rows = self.rows(item_ids)
        if not len(self.ids):
            return np.zeros((len(rows), VECTOR_SIZE), np.float32)
        return self._columns["item_vectors"][rows] * (rows >= 0)[:, None]

    def put_content(self, item_id: str, row: Mapping[str, Any]) -> None:
        """Take over a row of ``item_content``, with its stamp as ``event_timestamp`` where it is known."""
        place, content = self._place(item_id), with_defaults("item_content", row)
        self.titles[place] = content["item_title"]
        self._columns["item_published_at"][place] = content["item_published_at"]
        self._columns["item_available"][place] = content["item_available"]
        self._columns["item_content_stamp"][place] = row.get("event_timestamp", 0)
        codes = [self._code(category) for category in list(content["item_categories"])[:ITEM_CATEGORIES]]
        self._columns["item_category_codes"][place] = codes + [0] * (ITEM_CATEGORIES - len(codes))

    def put_activity(self, item_id: str, row: Mapping[str, Any]) -> None:
        """Take over a row of ``item_activity``, likewise."""
        place, activity = self._place(item_id), with_defaults("item_activity", row)
        for name in ("item_activity_at", "item_ctr_7d", *(f"item_actions_{window}" for window in HALF_LIVES)):
            self._columns[name][place] = activity[name]
        self._columns["item_activity_stamp"][place] = row.get("event_timestamp", 0)

    def put_vectors(self, item_ids: Sequence[str], vectors: Array) -> None:
        """Take over item vectors [n, VECTOR_SIZE]."""
        places = [self._place(item_id) for item_id in item_ids]
        self._columns["item_vectors"][places] = vectors
        self._columns["item_encoded"][places] = True

    def replace_vectors(self, item_ids: Sequence[str], vectors: Array) -> None:
        """Take over the item vectors of another model; the other items have none until they are encoded again."""
        self._columns["item_vectors"][:] = 0
        self._columns["item_encoded"][:] = False
        self.put_vectors(item_ids, vectors)

    def _code(self, category: str) -> int:
        return self.category_codes.setdefault(category, len(self.category_codes) + 1)

    def _place(self, item_id: str) -> int:
        if item_id not in self.index:
            self.index[item_id] = len(self.ids)
            self.ids.append(item_id)
            self.titles.append("")
            if len(self.ids) > len(self._columns["item_available"]):
                self._grow()
            self._columns["item_available"][self.index[item_id]] = True
            self._columns["item_ctr_7d"][self.index[item_id]] = with_defaults("item_activity", {})["item_ctr_7d"]
        return self.index[item_id]

    def _grow(self) -> None:
        size = max(1024, 2 * len(self.ids))
        for name, column in self._columns.items():
            grown = np.zeros((size, *column.shape[1:]), column.dtype)
            grown[: len(column)] = column
            self._columns[name] = grown
