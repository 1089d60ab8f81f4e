"""A parquet, CSV or JSON Lines file, or a query -> its rows, some at a time however many there are."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from training.datasets.mapping import Table
from training.datasets.tables import DatasetError

ROWS = 50_000  # of a chunk
Chunk = Mapping[str, Sequence[Any]]  # column -> cells
Reject = Callable[[int, str, Mapping[str, Any]], None]  # number of the row, reason, the row


class Opened(NamedTuple):
    """A source whose columns are known."""

    where: str
    names: Sequence[str]
    rows: int | None  # None where only reading tells
    chunks: Callable[
        [Sequence[str]], Iterator[tuple[Sequence[int], Chunk]]
    ]  # of these columns, with their rows' numbers


@contextmanager
def opened(table: Table, folder: Path, reject: Reject) -> Iterator[Opened]:
    """Open a source; paths are seen from ``folder``. Raises DatasetError where it is not there or cannot be read."""
    if table.url:
        with _database(table) as found:
            yield found
        return
    path = folder / Path(table.path).expanduser()
    if path.suffix not in _FILES:
        raise DatasetError(f"{path} is none of {', '.join(_FILES)}")
    if not path.is_file():
        raise DatasetError(f"there is no {path}")
    try:
        yield _FILES[path.suffix](path, table, reject)
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error


def _parquet(path: Path, table: Table, reject: Reject) -> Opened:
    file = pq.ParquetFile(path)

    def chunks(columns: Sequence[str]) -> Iterator[tuple[Sequence[int], Chunk]]:
        first = 0
        for batch in file.iter_batches(ROWS, columns=list(columns)):
            yield range(first, first + len(batch)), batch.to_pydict()
            first += len(batch)

    return Opened(path.name, file.schema_arrow.names, file.metadata.num_rows, chunks)


def _csv(path: Path, table: Table, reject: Reject) -> Opened:
    def rows() -> Iterator[tuple[int, Sequence[Any]]]:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            read = csv.reader(lines, delimiter=table.separator)
            next(read, None)
            for row in read:
                if len(row) == len(header):
                    yield read.line_num, row
                elif row:
                    reason = f"line {read.line_num} has {len(row)} cells, not {len(header)}"
                    reject(read.line_num, reason, {"": table.separator.join(row)})

    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines, delimiter=table.separator), [])
    return Opened(path.name, header, None, lambda columns: _columns(rows(), header, columns))


def _json_lines(path: Path, table: Table, reject: Reject) -> Opened:
    def rows() -> Iterator[tuple[int, dict[str, Any]]]:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    found = _object(line)
                    if found is None:
                        reject(number, f"line {number} is not a JSON object", {"": line[:1000]})
                    else:
                        yield number, found

    def chunks(columns: Sequence[str]) -> Iterator[tuple[Sequence[int], Chunk]]:
        yield from _columns(((number, [row.get(name) for name in columns]) for number, row in rows()), columns, columns)

    names = {name for _, row in islice(_silently(path), ROWS) for name in row}
    return Opened(path.name, sorted(names), None, chunks)


def _silently(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects among the first lines, to see which names they have."""
    with path.open(encoding="utf-8-sig") as lines:
        yield from ((0, found) for line in lines if (found := _object(line)) is not None)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def _database(table: Table) -> Iterator[Opened]:
    shown = "the database"
    try:
        url = make_url(table.url)
        shown = url.render_as_string(hide_password=True)
        driver = url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
        with create_engine(driver, poolclass=NullPool).connect() as connection:
            answer = connection.execution_options(stream_results=True, max_row_buffer=10_000).execute(text(table.query))
            names = list(answer.keys())
            numbered = enumerate((tuple(row) for row in answer), start=1)
            yield Opened(f"the query of {shown}", names, None, lambda columns: _columns(numbered, names, columns))
    except ArgumentError:  # its text may repeat the password
        raise DatasetError("`url` is not an SQLAlchemy URL such as postgresql://user@host/database") from None
    except (SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DatasetError(f"{shown} does not answer: {reason}") from error


def _columns(
    rows: Iterable[tuple[int, Sequence[Any]]], names: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[Sequence[int], Chunk]]:
    """Numbered rows as chunks of columns."""
    remaining, places = iter(rows), {name: list(names).index(name) for name in columns}
    while part := list(islice(remaining, ROWS)):
        yield [number for number, _ in part], {name: [row[place] for _, row in part] for name, place in places.items()}


_FILES = {".parquet": _parquet, ".csv": _csv, ".jsonl": _json_lines}
