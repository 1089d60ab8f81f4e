"""files -> validated events in time order: what a backfill reads.

It holds ``interactions``, ``items`` and ``users``, each as .parquet, .csv or .jsonl with the columns of events.py;
only interactions are required. Lists and vectors in a CSV are separated by ``|``, attributes are ``name=value`` pairs.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pandas as pd

from streaming.events import Interaction, InvalidEvent, Item, User, epoch_ms

Message = TypeVar("Message", Interaction, Item, User)

_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""]),
    ".jsonl": lambda path: pd.DataFrame(_lines(path), dtype=object),
}
_IDS = ("event_id", "user_id", "session_id", "item_id")
_TIMES = ("timestamp", "published_at")
_VECTORS = ("image_vector", "audio_vector")


def read_table(folder: Path, name: str) -> pd.DataFrame | None:
    """The table of this name in the folder, None where there is none."""
    for suffix, read in _READERS.items():
        path = folder / f"{name}{suffix}"
        if path.exists():
            return read(path)
    return None


def interactions(folder: Path) -> pd.DataFrame:
    """All interactions in time order (ties as they stand in the file), ``timestamp`` in epoch milliseconds."""
    table = read_table(folder, "interactions")
    if table is None:
        raise FileNotFoundError(f"{folder} has no interactions.parquet, .csv or .jsonl to backfill from")
    if "timestamp" not in table.columns:
        raise InvalidEvent("interactions need a column `timestamp`")
    times = [_milliseconds(number, when) for number, when in enumerate(table["timestamp"].tolist())]
    return table.assign(timestamp=np.array(times, np.int64)).sort_values("timestamp", kind="stable")


def messages(
    table: pd.DataFrame, kind: type[Message], reject: Callable[[int, str, dict[str, Any]], object] | None = None
) -> Iterator[Message]:
    """The rows as messages; one that is none goes to ``reject``, or raises InvalidEvent with its number."""
    names = [name for name in kind.__struct_fields__ if name in table.columns]
    for number, *values in zip(table.index.tolist(), *(table[name].tolist() for name in names), strict=True):
        fields = dict(zip(names, values, strict=True))
        try:
            yield message(fields, kind)
        except InvalidEvent as error:
            if reject is None:
                raise InvalidEvent(f"row {number}: {error}") from error
            reject(number, str(error), fields)


def message(fields: Mapping[str, Any], kind: type[Message]) -> Message:
    """One row of a table as a message; raises InvalidEvent with the reason why it is none."""
    plain = {name: _plain(name, value) for name, value in fields.items() if name in kind.__struct_fields__}
    known = {name: value for name, value in plain.items() if value is not None}
    if _holds_nul(known):
        raise InvalidEvent("text cannot hold the NUL character \\u0000: PostgreSQL does not keep it")
    try:
        found = msgspec.convert(known, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidEvent(str(error)) from error
    if isinstance(found, Interaction):
        if found.user_id is None and found.session_id is None:
            raise InvalidEvent("an interaction needs a `user_id` or a `session_id`")
        return msgspec.structs.replace(found, timestamp=epoch_ms(found.timestamp or 0, 0, "timestamp"))
    return found


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case Mapping():
            return any(_holds_nul(each) for pair in value.items() for each in pair)
        case list():
            return any(map(_holds_nul, value))
    return False


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as lines:
        return [_line(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"line {number} of {path.name} is not a JSON object: {error}") from error


def _milliseconds(number: int, when: Any) -> int:
    try:
        return epoch_ms(_plain("timestamp", when) or 0, 0, "timestamp")
    except InvalidEvent as error:
        raise InvalidEvent(f"row {number}: {error}") from error


def _plain(column: str, value: Any) -> Any:
    """A cell as JSON would have it; None where it is missing."""
    if column == "attributes":
        return _attributes(value)
    if column == "categories":
        return _list(value)
    if column == "context":
        return context(value)
    if column in _VECTORS:
        return _vector(value)
    if value is None or value != value or (column == "event_id" and value == ""):
        return None
    if column in _TIMES:
        return _time(value)
    return _id(value) if column in _IDS else value


def context(value: Any) -> Mapping[str, Any] | None:
    """A cell of ``context``: a JSON object as text, a mapping or pairs. Raises InvalidEvent for anything else."""
    match value:
        case Mapping():
            return value
        case str() if value:
            try:
                return msgspec.json.decode(value, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                raise InvalidEvent(f"`context` {value[:80]!r} is not a JSON object: {error}") from error
        case list():
            return dict(value)  # how Arrow hands out a map
    if value is None or value == "" or value != value:
        return None
    raise InvalidEvent(f"`context` {value!r} is not a JSON object")


def _id(value: Any) -> Any:
    """Numbers serve as ids, whole ones that pandas keeps as floats too."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return str(int(value)) if whole else value


def _time(value: Any) -> Any:
    """A file's time as events have it: ISO 8601 or epoch milliseconds."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        digits = value.removesuffix(".0")  # how a table with gaps writes a whole number
        return int(digits) if digits.isdecimal() else value
    return int(value) if isinstance(value, int | float) and isfinite(value) else value


def _attributes(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {name: each for name, each in value.items() if each is not None}
    pairs = [pair.split("=", 1) for pair in _list(value)]
    if any(len(pair) == 1 for pair in pairs):
        raise InvalidEvent(f"`attributes` {value!r} are not `name=value` pairs")
    return dict(pairs)


def _vector(value: Any) -> Any:
    """Numbers, as text ones in a CSV; None where there are none."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, str):
        return value.split("|") if value else None
    return None if value is None or value != value else value


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split("|") if value else []
    return [] if value is None or isinstance(value, float) else [str(each) for each in value]
