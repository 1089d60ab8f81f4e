"""The catalogue in memory: rows of Feast's item views and item vectors as columns, kept current row by row.

A ranking reads its candidates here (microseconds) and not from the online store (a millisecond per hundred cells).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.id_rows import IdRows
from feature_repo.inputs import with_defaults
from feature_repo.item_attributes import ItemAttributes
from feature_repo.item_text import content_fingerprint
from feature_repo.vocabulary import ACTIONS, HALF_LIVES, ITEM_CATEGORIES, VECTOR_SIZE

Array = npt.NDArray[Any]

_COLUMNS: dict[str, tuple[tuple[int, ...], str]] = {
    "item_vectors": ((VECTOR_SIZE,), "float32"),
    "item_encoded": ((), "bool"),  # whether it has a vector: nothing can be said of an item without one
    "item_actions": ((len(HALF_LIVES), len(ACTIONS)), "float64"),  # all counters; each window is a column as well
    "item_activity_at": ((), "int64"),
    "item_ctr_7d": ((), "float64"),
    "item_published_at": ((), "int64"),
    "item_category_codes": ((ITEM_CATEGORIES,), "int64"),
    "item_available": ((), "bool"),
    "item_rankable": ((), "bool"),  # both of these, which every ranking asks of all its candidates
    "item_content_stamp": ((), "int64"),  # epoch microseconds of the row, 0 where there is none
    "item_activity_stamp": ((), "int64"),
    "item_fingerprint": ((), "int64"),  # of what its content would be encoded from; 0 where there is nothing to encode
    "item_vector_fingerprint": ((), "int64"),  # of what its vector was encoded from; 0 where that is not known
    "item_trained": ((), "int64"),  # its place among the items its model was trained with, from 1; 0 for another one
}
_RANKED = (
    "item_vectors",
    "item_actions",
    "item_activity_at",
    "item_ctr_7d",
    "item_published_at",
    "item_category_codes",
    "item_content_stamp",
    "item_activity_stamp",
)
_WINDOWS = {f"item_actions_{window}": place for place, window in enumerate(HALF_LIVES)}


class ItemTable:
    """Columns of every known item; ``index`` maps item_id to its row.

    The last row of the columns is nobody's and zero: what -1, the row of an unknown item, finds.
    """

    def __init__(self, attributes: Collection[str] = ()) -> None:
        """``attributes`` names those that become columns; without, the first that items come with."""
        self.index: dict[str, int] = {}
        self.ids: list[str] = []
        self._rows = IdRows()  # the same for many ids at once
        self.titles: list[str] = []
        self.category_codes: dict[str, int] = {}
        self.trained_rows = np.zeros(0, np.int64)  # of the items that the model was trained with, in its order
        self.attributes = ItemAttributes(attributes)
        self._columns = self._laid_out(1, {})

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> Array:
        """One column over all items, in row order (a view: do not keep it across writes)."""
        return self._columns[name][: len(self.ids)]

    def at(self, name: str, rows: Array) -> Array:
        """One column of these rows, zero where they are -1."""
        return self._columns[name].take(rows, 0)  # half the time of indexing

    def rows(self, item_ids: Iterable[str]) -> Array:
        """Row numbers of these ids, -1 for an unknown one."""
        return self._rows.rows(item_ids if isinstance(item_ids, list) else list(item_ids))

    def stamp(self, view: str, item_id: str) -> int:
        """The stamp of the row that is here of this view, 0 where there is none."""
        return int(self._columns[f"{view}_stamp"][self.index[item_id]]) if item_id in self.index else 0

    def rankable(self, rows: Array | slice = slice(None)) -> Array:
        """Which of these rows have a vector and are not hidden; unknown items, -1, are not."""
        return self.column("item_rankable")[rows] if isinstance(rows, slice) else self.at("item_rankable", rows)

    def take(self, rows: Array) -> dict[str, Array]:
        """What a ranking reads of some rows, [n, ...] each."""
        return {name: self.at(name, rows) for name in _RANKED}

    def vectors(self, item_ids: Sequence[str]) -> Array:
        """Vectors [n, VECTOR_SIZE]; zeros for an unknown item."""
        return self.at("item_vectors", self.rows(item_ids))

    def put_content(self, item_id: str, row: Mapping[str, Any], stamp: int = 0) -> None:
        """Take over a row of ``item_content``."""
        place, content = self._place(item_id), with_defaults("item_content", row)
        self.titles[place] = content["item_title"]
        self._columns["item_published_at"][place] = content["item_published_at"]
        self._columns["item_available"][place] = content["item_available"]
        self._columns["item_rankable"][place] = content["item_available"] and self._columns["item_encoded"][place]
        self._columns["item_content_stamp"][place] = stamp
        self._columns["item_fingerprint"][place] = content_fingerprint(row)
        codes = [self._code(category) for category in list(content["item_categories"])[:ITEM_CATEGORIES]]
        self._columns["item_category_codes"][place] = codes + [0] * (ITEM_CATEGORIES - len(codes))
        self.attributes.put(place, content["item_attributes"])

    def put_activity(self, item_id: str, row: Mapping[str, Any], stamp: int = 0) -> None:
        """Take over a row of ``item_activity``."""
        place, activity = self._place(item_id), with_defaults("item_activity", row)
        for name in ("item_activity_at", "item_ctr_7d", *_WINDOWS):
            self._columns[name][place] = activity[name]
        self._columns["item_activity_stamp"][place] = stamp

    def put_vectors(self, item_ids: Sequence[str], vectors: Array, fingerprints: Array | int = 0) -> None:
        """Take over item vectors [n, VECTOR_SIZE] and the fingerprints [n] of what they were encoded from."""
        places = [self._place(item_id) for item_id in item_ids]
        self._columns["item_vectors"][places] = vectors
        self._columns["item_vector_fingerprint"][places] = fingerprints
        self._columns["item_encoded"][places] = True
        self._columns["item_rankable"][places] = self._columns["item_available"][places]

    def replace_vectors(self, item_ids: Sequence[str], vectors: Array, fingerprints: Array | int = 0) -> None:
        """Take over the item vectors of another model; the other items have none until they are encoded again."""
        for name in ("item_vectors", "item_encoded", "item_rankable", "item_vector_fingerprint", "item_trained"):
            self._columns[name][:] = 0
        self.put_vectors(item_ids, vectors, fingerprints)
        self.trained_rows = self.rows(item_ids)
        self._columns["item_trained"][self.trained_rows] = np.arange(1, len(item_ids) + 1)

    def _code(self, category: str) -> int:
        return self.category_codes.setdefault(category, len(self.category_codes) + 1)

    def _place(self, item_id: str) -> int:
        if item_id not in self.index:
            if len(self.ids) + 1 == len(self._columns["item_available"]):
                self._grow()  # first: a thread that reads meanwhile finds a place for every id
            self.titles.append("")
            self.ids.append(item_id)
            self.index[item_id] = len(self.ids) - 1
            self._rows.put(self.ids)
            self._columns["item_available"][self.index[item_id]] = True
            self._columns["item_ctr_7d"][self.index[item_id]] = with_defaults("item_activity", {})["item_ctr_7d"]
        return self.index[item_id]

    def _grow(self) -> None:
        size = max(1024, 2 * len(self.ids))
        self._columns = self._laid_out(size, self._columns)
        self.attributes.grow(size)

    def _laid_out(self, size: int, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Columns of this size that begin with these ones."""
        made = {name: np.zeros((size, *shape), dtype) for name, (shape, dtype) in _COLUMNS.items()}
        for name in made.keys() & columns.keys():
            made[name][: len(columns[name])] = columns[name]
        return made | {name: made["item_actions"][:, place] for name, place in _WINDOWS.items()}
