"""A chunk of your columns -> rows of our values, and the rows that cannot be read with their reasons."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec

from feature_repo.vocabulary import ACTIONS
from training.datasets.cells import EARLIEST, reader
from training.datasets.chunks import Chunk, Reject
from training.datasets.mapping_checks import Asked

Row = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def rows(chunk: Chunk, numbers: Sequence[int], asked: Sequence[Asked], folder: Path, reject: Reject) -> Iterator[Row]:
    """One row per row of the chunk, or per item of a slate; what is wrong goes to ``reject``."""
    reasons: dict[int, str] = {}
    columns = [_column(each, chunk, len(numbers), folder, reasons) for each in asked]
    names = [each.field for each in asked]
    for place, values in enumerate(zip(*columns, strict=True)):
        row = _gathered(names, values)
        reason = reasons.get(place) or _lacking(row)
        if reason:
            reject(numbers[place], reason, {name: cells[place] for name, cells in chunk.items()})
        else:
            yield from _shown(row)


def _column(asked: Asked, chunk: Chunk, count: int, folder: Path, reasons: dict[int, str]) -> list[Any]:
    slate = asked.field == "item_id" and bool(asked.cell.split)
    read, found = reader(asked.cell, "list" if slate else asked.kind, folder), []
    for place, cell in enumerate(_cells(asked, chunk, count)):
        try:
            found.append(read(cell))
        except (ValueError, ArithmeticError, TypeError) as error:
            reasons.setdefault(place, f"{asked.field}: {error}")
            found.append(None)
    return found


def _cells(asked: Asked, chunk: Chunk, count: int) -> Any:
    names = asked.cell.names
    if not names:
        return repeat(asked.cell.value, count)
    return chunk[names[0]] if len(names) == 1 else zip(*(chunk[name] for name in names), strict=True)


def _gathered(names: Sequence[str], values: Sequence[Any]) -> Row:
    """The values by name; `attributes.brand` and its like become the lists and the text that tables have."""
    row: Row = {}
    for name, value in zip(names, values, strict=True):
        whole, dot, part = name.partition(".")
        if not dot:
            row[name] = value
        elif whole == "attributes":
            parts = value if isinstance(value, list) else [value] if value else []
            row.setdefault("attributes", []).extend(f"{part}={each}" for each in parts)
        elif value:
            row.setdefault("context", {})[part] = value
    if "context" in row:
        row["context"] = _encode(row["context"]).decode()
    return row


def _lacking(row: Mapping[str, Any]) -> str:
    """Why a row is of no use; nothing where it is."""
    if not row.get("item_id", True) or ("user_id" in row and "item_id" not in row and not row["user_id"]):
        return "it has no `item_id`" if "item_id" in row else "it has no `user_id`"
    if "action" not in row:
        return ""
    if not (row.get("user_id") or row.get("session_id")):
        return "it has neither a `user_id` nor a `session_id`"
    if row["action"] not in ACTIONS:
        return f"action: {row['action']!r} is none of {', '.join(ACTIONS)}: give it a `map`"
    if row["timestamp"] is None or row["timestamp"] < EARLIEST:
        return (
            f"timestamp: {row['timestamp']} ms is before 1973: give its `unit`"
            if row["timestamp"]
            else "it has no time"
        )
    return ""


def _shown(row: Row) -> Iterator[Row]:
    """A slate is a row per item, with its place; other rows are one."""
    if not isinstance(row.get("item_id"), list):
        yield row
        return
    for place, item_id in enumerate(row["item_id"]):
        named = {"event_id": f"{row['event_id']}/{place}"} if row.get("event_id") else {}
        yield {**row, "item_id": item_id, "position": place, **named}
