"""(entity, time) rows -> the features that were known then, by Feast's point-in-time retrieval, a chunk at a time.

A chunk costs one pass over the log and the memory of its own answer.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureStore
from tqdm import tqdm

from feature_repo.inputs import feature_names

JUST_BEFORE = pd.Timedelta(microseconds=1)


def features_of(*views: str) -> list[str]:
    """The features of ``ranking_v1`` in some views, as Feast names them."""
    return [f"{view}:{name}" for view in views for name in feature_names(view)]


def join(store: FeatureStore, asked: pd.DataFrame, features: Sequence[str], as_written: bool = False) -> pa.Table:
    """``asked`` (entity columns and ``event_timestamp``) with the newest features at or before each row's time.

    Rows keep their order. ``as_written`` also hides feature rows that were written (``created``) after that time.
    """
    numbered = asked.assign(row_number=range(len(asked)))
    with warnings.catch_warnings(), _own_connection():
        warnings.simplefilter("ignore", DeprecationWarning)  # ibis calls a deprecated method of duckdb
        job = store.get_historical_features(numbered, list(features), filter_by_created_timestamp=as_written)
        table = job.to_arrow()
    if table.num_rows != len(asked):
        raise RuntimeError(f"Feast returned {table.num_rows} rows for {len(asked)} asked")
    return _as_asked(_in_order(table).drop(["row_number"]), asked)


def _in_order(table: pa.Table) -> pa.Table:
    """Rows as they were asked: DuckDB returns them so, and sorting histories again is dear."""
    places = np.asarray(table.column("row_number"))
    return table if (places[:-1] <= places[1:]).all() else table.sort_by("row_number")


@contextmanager
def _own_connection() -> Iterator[None]:
    """Let the DuckDB connection that ibis opens for everybody end with the block.

    ibis keeps it in its options, which torch keeps from being collected: DuckDB calls that a leak when Python ends.
    """
    try:
        yield
    finally:
        ibis.options.default_backend = None


def _as_asked(table: pa.Table, asked: pd.DataFrame) -> pa.Table:
    """The columns that were asked with, in their own types again: PostgreSQL drops time zones and widens floats."""
    for field in pa.Schema.from_pandas(asked, preserve_index=False):
        place = table.column_names.index(field.name)
        table = table.set_column(place, field.name, table.column(field.name).cast(field.type))
    return table


def chunked(
    store: FeatureStore, asked: pd.DataFrame, features: Sequence[str], chunk: int, title: str, **options: Any
) -> Iterator[pa.Table]:
    """``join`` over ``chunk`` rows at a time, with a progress bar."""
    parts = (asked.iloc[start : start + chunk] for start in range(0, len(asked), chunk))
    return joined(store, parts, features, len(asked), title, **options)


def joined(
    store: FeatureStore,
    parts: Iterable[pd.DataFrame],
    features: Sequence[str],
    total: int,
    title: str,
    **options: Any,
) -> Iterator[pa.Table]:
    """``join`` of one part after the other, with a progress bar of ``total`` rows."""
    with tqdm(total=total, desc=title, unit="row", unit_scale=True) as bar:
        for part in parts:
            yield join(store, part, features, **options)
            bar.update(len(part))


def states(store: FeatureStore, key: str, ids: Sequence[str], at_ms: int, *views: str) -> list[dict[str, Any]]:
    """The rows of some entities as they stood at the end of millisecond ``at_ms``, in the order of ``ids``."""
    moment = pd.Timestamp(at_ms * 1000 + 999, unit="us", tz="UTC")
    asked = pd.DataFrame({key: list(ids), "event_timestamp": moment})
    rows: list[dict[str, Any]] = join(store, asked, features_of(*views)).to_pylist()
    return rows


def write_joined(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables into one parquet file; where a label asked, ``event_timestamp`` becomes its stamp again."""
    with ExitStack() as files:
        writer = None
        for table in tables:
            if "label_stamp" in table.column_names:
                place = table.column_names.index("event_timestamp")
                table = table.set_column(place, "event_timestamp", table.column("label_stamp")).drop(["label_stamp"])
            writer = writer or files.enter_context(pq.ParquetWriter(path, table.schema))
            writer.write_table(table)
