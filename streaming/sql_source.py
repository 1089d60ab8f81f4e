"""a query of any database that SQLAlchemy speaks to -> batches of its rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
from sqlalchemy import URL, CursorResult, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from streaming.events import InvalidEvent


def shown(url: str) -> str:
    """The URL as it may be printed: without its password."""
    return _parsed(url).render_as_string(hide_password=True)


def batches(url: str, query: str, wanted: Sequence[str], rows: int) -> Iterator[Any]:
    """The wanted columns of the query's answer, so many rows at a time; see ``batch``.

    Raises InvalidEvent with the database's reason where it does not answer.
    """
    with _answer(url, query) as answer:
        known = [(place, name) for place, name in enumerate(answer.keys()) if name in wanted]
        for part in answer.partitions(rows):
            columns = list(zip(*part, strict=True))
            yield batch([name for _, name in known], [_plain(columns[place]) for place, _ in known])


def table(url: str, query: str) -> pd.DataFrame:
    """The query's whole answer."""
    with _answer(url, query) as answer:
        return pd.DataFrame(answer.mappings().all(), columns=list(answer.keys()), dtype=object)


def batch(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> Any:
    """Columns of Python values as a record batch, or as a list of rows where a column has mixed types."""
    try:
        return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], list(names))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


@contextmanager
def _answer(url: str, query: str) -> Iterator[CursorResult[Any]]:
    try:
        with create_engine(_parsed(url), poolclass=NullPool).connect() as connection:
            yield connection.execution_options(stream_results=True, max_row_buffer=10_000).execute(text(query))
    except (SQLAlchemyError, ImportError) as error:
        raise InvalidEvent(f"{shown(url)} does not answer: {_reason(error)}") from error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:  # its text may repeat the password
        raise InvalidEvent("--source is not an SQLAlchemy URL such as postgresql://user@host/database") from None
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _reason(error: Exception) -> str:
    if isinstance(error, NoSuchModuleError | ImportError):
        return f"its driver is not installed ({error})"
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _plain(column: Sequence[Any]) -> Sequence[Any]:
    first = next((value for value in column if value is not None), None)
    return [value and str(value) for value in column] if isinstance(first, UUID) else column
