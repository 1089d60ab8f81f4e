"""rows -> append-only parquet parts, the offline half of the feature store.

A part is written under a temporary name and renamed, so a reader never sees half of one, and none is ever overwritten:
after a crash the log may hold a row twice, both copies equal, but it never lacks one (docs/decisions.md says why).
"""

import os
import time
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureView
from feast.types import Array, Bool, FeastType, Float64, Int64, String

from feature_repo.features import ITEM_BOOKS, USER_BOOKS, VIEWS
from feature_repo.online import Row

_ARROW: dict[FeastType, pa.DataType] = {
    String: pa.string(),
    Int64: pa.int64(),
    Float64: pa.float64(),
    Bool: pa.bool_(),
    Array(String): pa.list_(pa.string()),
    Array(Int64): pa.list_(pa.int64()),
    Array(Float64): pa.list_(pa.float64()),
}
STAMP = pa.timestamp("us", tz="UTC")
_STAMPS = [pa.field("event_timestamp", STAMP), pa.field("created", STAMP)]

INTERACTIONS, MERGES = "interactions", "merges"
ONLINE_ONLY = {*USER_BOOKS, *ITEM_BOOKS}
# Most values of a batch differ: dictionaries and statistics of lists are a third of the writing, for nothing.
_QUICK: dict[str, Any] = {"use_dictionary": False, "write_statistics": ["event_timestamp"]}
NO_ROWS = "no-rows"  # a part with the columns alone: a table that has no row yet is still a table to DuckDB


def _schema(view: FeatureView) -> pa.Schema:
    features = sorted((each.name, _ARROW[each.dtype]) for each in view.features if each.name not in ONLINE_ONLY)
    return pa.schema([pa.field(view.join_keys[0], pa.string()), *(pa.field(*each) for each in features), *_STAMPS])


SCHEMAS: dict[str, pa.Schema] = {view.name: _schema(view) for view in VIEWS} | {
    INTERACTIONS: pa.schema(
        [
            pa.field("event_id", pa.string()),
            pa.field("user_id", pa.string()),
            pa.field("item_id", pa.string()),
            pa.field("action", pa.string()),
            pa.field("value", pa.float64()),
            pa.field("timestamp", pa.int64()),
            pa.field("request_id", pa.string()),
            pa.field("position", pa.int64()),
            pa.field("context", pa.string()),  # JSON text
            *_STAMPS,
        ]
    ),
    MERGES: pa.schema(
        [
            pa.field("event_id", pa.string()),
            pa.field("user_id", pa.string()),
            pa.field("session", pa.string()),  # its key among the users
            pa.field("timestamp", pa.int64()),
            *_STAMPS,
        ]
    ),
}


def new_part() -> str:
    """A name that no other batch of any worker on this folder has."""
    return f"{time.time_ns()}-{os.getpid()}"


class OfflineLog:
    """The folder of parts; one sub-folder per table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for table in SCHEMAS:
            (folder / table).mkdir(parents=True, exist_ok=True)
            self._write(table, NO_ROWS, [])

    def __str__(self) -> str:
        return str(self.folder)

    def append(self, table: str, part: str, rows: Sequence[Row]) -> None:
        """Write the rows as one part (the entity is the table's first column; of interactions, the event id)."""
        if rows:
            self._write(table, part, rows)

    def _write(self, table: str, part: str, rows: Sequence[Row]) -> None:
        write_part(self.folder / table / f"{part}.parquet", _arrow(SCHEMAS[table], rows), **_QUICK)

    def clear(self) -> None:
        """Drop every part that has rows."""
        for part in self._parts():
            part.unlink()

    def is_empty(self) -> bool:
        """Whether no table has a part."""
        return not any(self._parts())

    def _parts(self) -> Iterator[Path]:
        return (part for part in self.folder.glob("*/*.parquet") if part.stem != NO_ROWS)


def write_part(place: Path, table: pa.Table, **options: Any) -> None:
    """Write one part, whole or not at all; ``options`` are those of ``pyarrow.parquet.write_table``."""
    unfinished = place.with_suffix(f".{os.getpid()}.tmp")
    pq.write_table(table, unfinished, compression="zstd", **options)
    unfinished.replace(place)


def _arrow(schema: pa.Schema, rows: Sequence[Row]) -> pa.Table:
    stamps = pa.array([row.stamp for row in rows], pa.int64()).cast(STAMP)
    created = pa.array([time.time_ns() // 1000] * len(rows), pa.int64()).cast(STAMP)
    fields = list(schema)[1 : -len(_STAMPS)]
    pick = itemgetter(*(field.name for field in fields), fields[0].name)  # one twice: a tuple even of a single field
    columns = [*zip(*(pick(row.values) for row in rows), strict=True)] or [()] * len(fields)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=False)]
    return pa.Table.from_arrays([pa.array([row.entity_id for row in rows]), *arrays, stamps, created], schema=schema)
