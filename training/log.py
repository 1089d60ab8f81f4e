"""The offline log -> which interactions and entities there are. Features are not read here: joins.py asks Feast."""

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb
import numpy as np
import pandas as pd
from sqlalchemy import NullPool, create_engine, inspect, text

from feature_repo.settings import StoreSettings

_COLUMNS = ("event_id", "user_id", "item_id", "action", "value", "timestamp", "event_timestamp")
_LATER = ("context", "request_id", "position")  # that logs of before they were kept do not have


class EmptyLog(Exception):
    """A log without the rows that training needs, with what to do about it."""


def query(settings: StoreSettings, table: str, sql: str) -> pd.DataFrame:
    """The answer to ``sql``, where ``{log}`` stands for one table of the offline log."""
    if settings.offline_store == "postgres":
        return _postgres(settings, table, sql)
    folder = settings.offline_folder(table)
    if not any(folder.glob("*.parquet")):
        raise EmptyLog(f"there is no {table} in {folder}: run: python -m streaming.backfill (or `make demo`)")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql.format(log=f"read_parquet('{folder}/*.parquet', union_by_name = true)")).df()


def _postgres(settings: StoreSettings, table: str, sql: str) -> pd.DataFrame:
    engine = create_engine(settings.postgres_url, poolclass=NullPool, connect_args={"options": "-c timezone=UTC"})
    with engine.connect() as connection:
        if not inspect(connection).has_table(table):
            raise EmptyLog(f"there is no table {table} in {engine.url}: run: python -m streaming.backfill")
        return pd.read_sql(text(sql.format(log=table)), connection)


def interactions(settings: StoreSettings, after_ms: int = 0, until_ms: int = 2**62) -> pd.DataFrame:
    """Interactions with ``after_ms < timestamp <= until_ms`` (event time), in the order of their rows, each once.

    Columns: event_id, user_id, item_id, action, value, timestamp (epoch ms), event_timestamp (stamp of the user row),
    context (JSON text) and request_id ("" where there is none), position (in the slate, missing where unknown).
    """
    kept = query(settings, "interactions", "SELECT * FROM {log} LIMIT 0").columns
    columns = ", ".join(name for name in (*_COLUMNS, *_LATER) if name in kept)
    where = f"timestamp > {int(after_ms)} AND timestamp <= {int(until_ms)}"
    found = query(settings, "interactions", f"SELECT {columns} FROM {{log}} WHERE {where}")
    found["event_timestamp"] = pd.to_datetime(found.event_timestamp, utc=True).astype("datetime64[us, UTC]")
    found = found.reindex(columns=[*_COLUMNS, *_LATER]).fillna({"context": "", "request_id": ""})
    found = found.astype({"value": "float64", "position": "float64"})  # without any, PostgreSQL's have no type
    found = found.drop_duplicates("event_id")  # a crash of the worker may have logged a row twice
    return found.sort_values(["timestamp", "event_timestamp"], kind="stable", ignore_index=True)


def entities(settings: StoreSettings, key: str, tables: Sequence[str]) -> list[str]:
    """Every distinct ``key`` of some tables, sorted."""
    found: set[str] = set()
    for table in tables:
        found |= set(query(settings, table, f"SELECT DISTINCT {key} FROM {{log}}")[key])
    return sorted(found)


def end_of(times_ms: pd.Series, until: str) -> int:
    """An ISO 8601 time, or a quantile of some event times, as epoch milliseconds."""
    try:
        quantile = float(until)
    except ValueError:
        moment = datetime.fromisoformat(until)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    return int(np.floor(np.quantile(times_ms, quantile)))
