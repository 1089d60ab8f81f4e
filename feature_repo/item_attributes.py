"""Attributes of items (``name=value``) as columns: a number or the code of a text for each name.

A value is a number where it reads as one, else a text. Twelve bytes an item and name at most: that is why the names
are few, those that are chosen or the first NAMES that items come with.
"""

import logging
import math
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
NAMES = 32  # further names are left out, and said
TEXTS = 2**20  # different texts of one name; further ones are left out, and said
log = logging.getLogger(__name__)


class ItemAttributes:
    """Columns by attribute name; rows are those of the item table."""

    def __init__(self, chosen: Collection[str] = ()) -> None:
        self._chosen = frozenset(chosen)
        self._numbers: dict[str, Array] = {}  # float64, NaN where there is none
        self._texts: dict[str, Array] = {}  # int32 codes, 0 where there is none
        self._codes: dict[str, dict[str, int]] = {}
        self._left_out: set[str] = set()
        self._size = 0

    @property
    def names(self) -> list[str]:
        """The names there are columns of."""
        return sorted(self._numbers.keys() | self._texts.keys())

    def put(self, row: int, attributes: Iterable[str]) -> None:
        """Take over all attributes of one item."""
        for numbers in self._numbers.values():
            numbers[row] = math.nan
        for texts in self._texts.values():
            texts[row] = 0
        for attribute in attributes:
            name, _, text = attribute.partition("=")
            if self._chosen and name not in self._chosen:
                continue
            value = number_or_text(text)
            if isinstance(value, float):
                if self._has_room(self._numbers, name, math.nan, "float64"):
                    self._numbers[name][row] = value
            elif self._has_room(self._texts, name, 0, "int32"):
                self._texts[name][row] = self._new_code(name, value)

    def numbers(self, name: str, rows: Any) -> Array:
        """Numbers [n] of this attribute, NaN where an item has none."""
        column = self._numbers.get(name)
        return np.full(self._count(rows), math.nan) if column is None else column[rows]

    def texts(self, name: str, rows: Any) -> Array:
        """Codes [n] of the texts of this attribute, 0 where an item has none."""
        column = self._texts.get(name)
        return np.zeros(self._count(rows), np.int32) if column is None else column[rows]

    def code(self, name: str, text: str) -> int:
        """The code of a text; -1 where no item has it."""
        return self._codes.get(name, {}).get(text, -1)

    def grow(self, size: int) -> None:
        """Make room for this many items."""
        self._numbers = {name: _grown(column, size, math.nan) for name, column in self._numbers.items()}
        self._texts = {name: _grown(column, size, 0) for name, column in self._texts.items()}
        self._size = size

    def _has_room(self, columns: dict[str, Array], name: str, missing: float, dtype: str) -> bool:
        if name in columns:
            return True
        if not self._chosen and len(self._numbers.keys() | self._texts.keys() | {name}) > NAMES:
            self._leave_out(name, f"there are {NAMES} others, and FRESHRANK_ITEM_ATTRIBUTES does not name it")
            return False
        columns[name] = np.full(self._size, missing, dtype)
        return True

    def _new_code(self, name: str, text: str) -> int:
        codes = self._codes.setdefault(name, {})
        if text not in codes and len(codes) >= TEXTS:
            self._leave_out(name, f"it has {TEXTS} different texts")
            return 0
        return codes.setdefault(text, len(codes) + 1)

    def _leave_out(self, name: str, reason: str) -> None:
        if name not in self._left_out and len(self._left_out) < NAMES:
            self._left_out.add(name)
            log.warning("filters and caps do not see the attribute %r of every item: %s", name, reason)

    def _count(self, rows: Any) -> int:
        return len(range(*rows.indices(self._size))) if isinstance(rows, slice) else len(rows)


def number_or_text(text: str) -> float | str:
    """How a value is read; what is not finite is text."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _grown(column: Array, size: int, missing: float) -> Array:
    grown = np.full(size, missing, column.dtype)
    grown[: len(column)] = column
    return grown
