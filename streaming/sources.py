"""a folder of files, or a database -> batches of rows, some at a time however large it is."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from streaming import sql_source
from streaming.columns import WANTED, Reject, check_names
from streaming.events import InvalidEvent
from streaming.history import read_table

BATCH_ROWS = 131_072
CSV_BLOCK = 8 << 20  # bytes
ROW_BYTES = {".csv": 60, ".jsonl": 150}  # about: how many rows a file has matters only for how they are shared out


@dataclass(frozen=True)
class Source:
    """Where history lies: in a folder, or in a database with a query for each table that it has."""

    folder: Path | None = None
    url: str = ""
    queries: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return sql_source.shown(self.url) if "interactions" in self.queries else str(self.folder)


def identity(source: Source) -> dict[str, Any]:
    """What tells one source from another and from itself when it has changed; without its password."""
    known: dict[str, Any] = {"database": sql_source.shown(source.url) if source.url else "", **source.queries}
    for name in ("interactions", "items", "users"):
        path = _file(source, name)
        if path:
            known[str(path.resolve())] = [path.stat().st_size, path.stat().st_mtime_ns]
    return known


def estimate(source: Source) -> int:
    """About how many interactions there are; 0 where only reading them would tell."""
    path = _file(source, "interactions")
    if path is None:
        return 0
    return (
        int(pq.read_metadata(path).num_rows)
        if path.suffix == ".parquet"
        else path.stat().st_size // ROW_BYTES[path.suffix]
    )


def batches(source: Source, reject: Reject) -> Iterator[tuple[int, Any, str]]:
    """The interactions as (number of the first row, batch, where it is from); see ``columns.events``.

    Raises FileNotFoundError where there are none and InvalidEvent where they lack a column.
    """
    path = _file(source, "interactions")
    if "interactions" in source.queries:
        where = f"the query for interactions of {sql_source.shown(source.url)}"
        found = sql_source.batches(source.url, source.queries["interactions"], WANTED, BATCH_ROWS)
    elif path:
        where, found = path.name, _READERS[path.suffix](path, reject)
    else:
        raise FileNotFoundError(f"{source.folder} has no interactions.parquet, .csv or .jsonl to backfill from")
    first = 0
    for batch in found:
        if not first:
            check_names(_names(batch), where)
        yield first, batch, where
        first += len(batch)


def catalogue(source: Source, name: str) -> pd.DataFrame | None:
    """The table of items or users, None where the source has none."""
    if name in source.queries:
        return sql_source.table(source.url, source.queries[name])
    return read_table(source.folder, name) if source.folder else None


def _file(source: Source, name: str) -> Path | None:
    if source.folder is None or name in source.queries:
        return None
    return next((path for suffix in _READERS if (path := source.folder / f"{name}{suffix}").exists()), None)


def _names(batch: Any) -> Sequence[str]:
    return {name for row in batch for name in row} if isinstance(batch, list) else batch.schema.names  # type: ignore[return-value]


def _parquet(path: Path, _: Reject) -> Iterator[Any]:
    file = pq.ParquetFile(path)
    known = [name for name in WANTED if name in file.schema_arrow.names]
    check_names(known, path.name)
    yield from file.iter_batches(BATCH_ROWS, columns=known)


def _csv(path: Path, reject: Reject) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines), [])
    known = [name for name in WANTED if name in header]
    check_names(known, path.name)

    def odd(row: Any) -> str:
        reject(
            row.number, f"line {row.number} has {row.actual_columns} cells, not {row.expected_columns}", {"": row.text}
        )
        return "skip"

    reading = pa_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK)
    parsing = pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=odd)
    types = dict.fromkeys(known, pa.string())
    converting = pa_csv.ConvertOptions(
        column_types=types, include_columns=known, null_values=[""], strings_can_be_null=True
    )
    try:
        yield from pa_csv.open_csv(path, reading, parsing, converting)
    except pa.ArrowInvalid as error:
        raise InvalidEvent(f"{path.name} cannot be read as CSV: {error}") from error


def _json_lines(path: Path, reject: Reject) -> Iterator[Any]:
    with path.open("rb") as lines:
        decoded = _decoded(lines, reject)
        while rows := list(islice(decoded, BATCH_ROWS)):
            names = [name for name in WANTED if any(name in row for row in rows)]
            yield sql_source.batch(names, [[row.get(name) for row in rows] for name in names])


def _decoded(lines: Any, reject: Reject) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reject(number, f"line {number} is not a JSON object: {error}", {"": repr(line[:1000])})


_READERS: Mapping[str, Callable[[Path, Reject], Iterator[Any]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
}
