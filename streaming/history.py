"""files -> validated events in time order: what a backfill reads.

It holds ``interactions``, ``items`` and ``users``, each as .parquet, .csv or .jsonl with the columns of events.py;
only interactions are required. Lists in a CSV are separated by ``|``, attributes are ``name=value`` pairs.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pandas as pd

from streaming.events import Interaction, InvalidEvent, Item, User, epoch_ms

Message = TypeVar("Message", Interaction, Item, User)

_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".csv": lambda path: pd.read_csv(path, dtype={"user_id": str, "item_id": str, "event_id": str}),
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype={"user_id": str, "item_id": str}),
}


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
    table = table.assign(timestamp=[epoch_ms(when, 0, "timestamp") for when in table["timestamp"].tolist()])
    return table.sort_values("timestamp", kind="stable", ignore_index=True)


def messages(table: pd.DataFrame, kind: type[Message]) -> Iterator[Message]:
    """The rows as messages; raises InvalidEvent with the number of a row that is not one."""
    names = [name for name in kind.__struct_fields__ if name in table.columns]
    columns = [[_plain(name, value) for value in table[name].tolist()] for name in names]
    for number, values in enumerate(zip(*columns, strict=True)):
        fields = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        try:
            yield msgspec.convert(fields, kind)
        except msgspec.ValidationError as error:
            raise InvalidEvent(f"row {number}: {error}") from error


def _plain(column: str, value: Any) -> Any:
    """A cell as JSON would have it; None where it is missing."""
    if column == "attributes":
        return dict(pair.split("=", 1) for pair in _list(value))
    if column == "categories":
        return _list(value)
    return None if value is None or value != value else value


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split("|") if value else []
    return [] if value is None or isinstance(value, float) else [str(each) for each in value]
