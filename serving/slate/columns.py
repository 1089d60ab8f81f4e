"""What a filter asks of items, by name -> columns of the item table: attributes, and a few names of our own.

``item_id``, ``categories``, ``category`` (their first), ``published_at`` (epoch milliseconds, or a date as text) and
``age_days``; every other name is an attribute's.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.item_attributes import number_or_text
from feature_repo.item_table import ItemTable

Array = npt.NDArray[Any]
Literal = str | float | bool | None
OWN = ("age_days", "categories", "category", "item_id", "published_at")
DAY = 86_400_000  # milliseconds
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}


class Columns(NamedTuple):
    """Some items of the table at a moment; ``rows`` are row numbers [n] or a slice."""

    table: ItemTable
    rows: Any
    now_ms: int


def unknown_names(names: Iterable[str], table: ItemTable) -> list[str]:
    """Those of these names that say nothing of any item here."""
    return sorted(set(names) - set(OWN) - set(table.attributes.names))


def compare(name: str, order: str, literal: str | float | bool) -> Callable[[Columns], Array]:
    """Where an attribute stands in this order to a value. Raises ValueError where there is no such order."""
    if name in ("item_id", "category"):
        return among(name, [literal]) if order == "==" else _no_order(name, order)
    value = _value(name, literal)
    if isinstance(value, str):
        return among(name, [value]) if order == "==" else _no_order(value, order)
    relation = _OPERATORS[order]
    return lambda columns: np.asarray(relation(numbers(columns, name), value), bool)


def among(name: str, literals: Sequence[Literal]) -> Callable[[Columns], Array]:
    """Where an attribute is one of these values."""
    if name == "item_id":
        item_ids = [str(literal) for literal in literals]
        return lambda columns: np.isin(_row_numbers(columns), columns.table.rows(item_ids))
    if name == "category":
        return categorised(literals, slice(0, 1))
    values = [_value(name, literal) for literal in literals if literal is not None]
    wanted = np.array([value for value in values if isinstance(value, float)])
    texts = [value for value in values if isinstance(value, str)]

    def test(columns: Columns) -> Array:
        table, rows = columns.table.attributes, columns.rows
        codes = [table.code(name, text) for text in texts]
        found: Array = np.isin(table.texts(name, rows), codes)
        if len(wanted):
            found = np.logical_or(found, np.isin(numbers(columns, name), wanted))
        return found

    return test


def categorised(literals: Sequence[Literal], which: slice = slice(None)) -> Callable[[Columns], Array]:
    """Where one of these is among an item's categories, or ``which`` of them."""

    def test(columns: Columns) -> Array:
        codes = [columns.table.category_codes.get(str(literal), -1) for literal in literals]
        return np.asarray(np.isin(columns.table.column("item_category_codes")[columns.rows, which], codes).any(1))

    return test


def missing(columns: Columns, name: str) -> Array:
    """Where an item has no such attribute."""
    if name == "category":
        return np.asarray(columns.table.column("item_category_codes")[columns.rows, 0] == 0)
    if name == "item_id":
        return np.zeros(len(_row_numbers(columns)), bool)
    found: Array = np.isnan(numbers(columns, name)) & (columns.table.attributes.texts(name, columns.rows) == 0)
    return found


def numbers(columns: Columns, name: str) -> Array:
    """What an item has of this name as a number [n], NaN where it has none."""
    if name not in ("published_at", "age_days"):
        return columns.table.attributes.numbers(name, columns.rows)
    published = columns.table.column("item_published_at")[columns.rows]
    known: Array = np.where(published == 0, np.nan, published)
    return known if name == "published_at" else (columns.now_ms - known) / DAY


def _row_numbers(columns: Columns) -> Array:
    every = np.arange(len(columns.table))
    return every[columns.rows] if isinstance(columns.rows, slice) else columns.rows


def _value(name: str, literal: str | float | bool) -> float | str:
    """A literal as attributes are read: a text of a number is a number."""
    if name == "published_at" and isinstance(literal, str):
        moment = datetime.fromisoformat(literal)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
    if isinstance(literal, bool):
        return str(literal).lower()
    return number_or_text(literal) if isinstance(literal, str) else float(literal)


def _no_order(value: str, order: str) -> Any:
    raise ValueError(f"`{order}` compares numbers, and {value!r} is none")
