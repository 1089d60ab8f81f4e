"""Cells as files and databases have them -> our values. A cell that is none raises ValueError with the reason."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from training.datasets.mapping import Cell

Read = Callable[[Any], Any]
MS = {"s": Decimal(1000), "ms": Decimal(1), "us": Decimal("0.001"), "ns": Decimal("0.000001")}
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
EARLIEST = 100_000_000_000  # 1973: where the event contract begins; an earlier `timestamp` has another unit


def reader(cell: Cell, kind: str, folder: Path) -> Read:
    """What makes one of our values of a cell; ``folder`` is the mapping file's."""
    match kind:
        case "time":
            return partial(_time, cell=cell, zone=ZoneInfo(cell.zone))
        case "list":
            return partial(_list, cell=cell)
        case "number":
            return _number
        case "whole":
            return _whole
        case "truth":
            return partial(_truth, cell=cell)
        case "file":
            return partial(_file, folder=folder / cell.folder)
        case "vector":
            return partial(_vector, split=cell.split or None)
    return partial(_text, cell=cell)


def is_missing(value: Any) -> bool:
    """None, NaN and empty text say nothing."""
    return value is None or value == "" or (isinstance(value, float) and value != value)


def plain(value: Any) -> str:
    """A cell as text; whole numbers that are kept as floats lose their `.0`."""
    if is_missing(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))
    if isinstance(value, bytes):
        raise ValueError("it holds bytes, which are no text")
    return value.isoformat() if isinstance(value, date) else str(value)


def _text(value: Any, cell: Cell) -> str | None:
    parts = value if isinstance(value, tuple) else (value,)  # of several columns
    return _mapped(cell.join.join(part for part in map(plain, parts) if part), cell) or None


def _mapped(text: str, cell: Cell) -> str:
    if not cell.map or not text:
        return text
    if text not in cell.map:
        raise ValueError(f"{text!r} is not in its `map`")
    return cell.map[text]


def _list(value: Any, cell: Cell) -> list[str]:
    parts = value if isinstance(value, tuple) else (value,)
    found = [plain(each).strip() for part in parts for each in _parts(part, cell.split)]
    return [_mapped(each, cell) for each in found if each]


def _parts(value: Any, split: str) -> list[Any]:
    if isinstance(value, list):
        return value
    text = plain(value)
    return text.split(split) if split else [text]


def _time(value: Any, cell: Cell, zone: ZoneInfo) -> int | None:
    if is_missing(value):
        return None
    if cell.unit:
        return int(Decimal(str(value)) * MS[cell.unit])
    if isinstance(value, int | float | Decimal) or (isinstance(value, str) and value.removesuffix(".0").isdecimal()):
        return int(float(value))
    return _moment(value, cell.format, zone)


def _moment(value: Any, form: str, zone: ZoneInfo) -> int:
    if isinstance(value, date):
        when = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    else:
        when = datetime.strptime(str(value), form) if form else datetime.fromisoformat(str(value))
    aware = when if when.tzinfo else when.replace(tzinfo=zone)
    return round(aware.timestamp() * 1000)


def _number(value: Any) -> float | None:
    if is_missing(value):
        return None
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    return number


def _whole(value: Any) -> int | None:
    number = _number(value)
    if number is not None and number != int(number):
        raise ValueError(f"{value!r} is no whole number")
    return None if number is None else int(number)


def _truth(value: Any, cell: Cell) -> bool:
    text = _mapped(plain(value), cell).lower()
    if text not in TRUTH:
        raise ValueError(f"{value!r} is neither true nor false")
    return TRUTH[text]


def _file(value: Any, folder: Path) -> str | None:
    text = plain(value)
    return str((folder / text).absolute()) if text and "://" not in text else text or None


def _vector(value: Any, split: str | None) -> list[float] | None:
    if is_missing(value) if not isinstance(value, list) else not value:
        return None
    return [float(each) for each in (value.split(split) if isinstance(value, str) else value)]
