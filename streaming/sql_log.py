"""rows -> tables of PostgreSQL, the offline half of the feature store in production.

A row is known by its key: the entity and the stamp, or the event and its user. What is written again changes nothing,
so a retry and a batch that is processed again after a crash leave each row once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    MetaData,
    Table,
    Text,
    Update,
    delete,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeEngine

from feature_repo.features import user_activity
from feature_repo.online import Row, moment
from feature_repo.sql_tables import SqlTables
from streaming import visits
from streaming.offline_log import INTERACTIONS, SCHEMAS

_KINDS: Mapping[pa.DataType, type[TypeEngine[Any]]] = {
    pa.string(): Text,
    pa.int64(): BigInteger,
    pa.float64(): Double,
    pa.bool_(): Boolean,
}
_encode = msgspec.json.Encoder().encode
HISTORIES = 1_000  # rows that lose visits in one transaction
_Report = Callable[[Mapping[str, int]], None]  # in how many rows which items were


def _kind(kind: pa.DataType) -> TypeEngine[Any]:
    if pa.types.is_timestamp(kind):
        return TIMESTAMP(timezone=True)
    return ARRAY(_KINDS[kind.value_type]) if pa.types.is_list(kind) else _KINDS[kind]()


def _key(table: str) -> set[str]:
    return {"event_id", "user_id"} if table == INTERACTIONS else {SCHEMAS[table].names[0], "event_timestamp"}


def _table(name: str) -> Table:
    key = _key(name)
    columns = (Column(each.name, _kind(each.type), primary_key=each.name in key) for each in SCHEMAS[name])
    return Table(name, _metadata, *columns)


_metadata = MetaData()
TABLES: Mapping[str, Table] = {name: _table(name) for name in SCHEMAS}

# One JSON document per batch: three times as fast as one INSERT per row, or COPY, of rows that are mostly arrays.
_INSERTS = {
    name: text(
        f"INSERT INTO {name} SELECT * FROM json_populate_recordset(null::{name}, CAST(:rows AS json)) "
        "ON CONFLICT DO NOTHING"
    )
    for name in TABLES
}


class SqlLog:
    """The open tables; makes those, and the columns of new features, that are missing."""

    def __init__(self, url: str) -> None:
        self._tables = SqlTables(url, _metadata)
        with self._tables.begin() as connection:
            _add_columns(connection)

    def __str__(self) -> str:
        return str(self._tables.engine.url)  # SQLAlchemy hides the password

    def append(self, table: str, part: str, rows: Sequence[Row]) -> None:
        """Write the rows in one transaction; ``part`` names parquet files only. Raises SQLAlchemyError."""
        if rows:
            document = _encode(_records(SCHEMAS[table], rows)).decode()
            with self._tables.begin() as connection:
                connection.execute(_INSERTS[table], {"rows": document})

    def clear(self) -> None:
        """Drop every row."""
        with self._tables.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))

    def is_empty(self) -> bool:
        """Whether no table has a row."""
        with self._tables.begin() as connection:
            return not any(connection.execute(text(f"SELECT EXISTS (SELECT FROM {name})")).scalar() for name in TABLES)

    def erase(self, table: str, column: str, until: Mapping[str, int], at: str) -> dict[str, int]:
        """Drop rows whose ``column`` is one of these and whose ``at`` is no later; how many of which."""
        rows = TABLES[table]
        stamped = isinstance(rows.c[at].type, TIMESTAMP)
        with self._tables.begin() as connection:
            counts = {
                entity_id: connection.execute(
                    delete(rows).where(rows.c[column] == entity_id, rows.c[at] <= (moment(last) if stamped else last))
                ).rowcount
                for entity_id, last in until.items()
            }
        return {entity_id: count for entity_id, count in counts.items() if count}

    def erase_visits(self, void: Mapping[str, int], settle: visits.Settle, report: _Report) -> None:
        """Take visits of these items, up to their times, out of the histories, of which ``settle`` hears before."""
        rows = TABLES[user_activity.name]
        columns = [rows.c[name] for name in ("user_id", visits.ITEMS, visits.ACTIONS, visits.TIMES, "event_timestamp")]
        holds = rows.c[visits.ITEMS].overlap(list(void))
        with self._tables.begin() as connection:
            found = connection.execute(select(*columns).where(holds), execution_options={"stream_results": True})
            for chunk in found.partitions(HISTORIES):
                self._erase_visits([row for row in chunk if _holder(row, void)[1]], void, settle, report)

    def _erase_visits(
        self, held: Sequence[Any], void: Mapping[str, int], settle: visits.Settle, report: _Report
    ) -> None:
        settle({row.user_id for row in held})
        with self._tables.begin() as connection:
            gone = [_holder(row, void) for row in held if connection.execute(_without_visits(row, void)).rowcount]
        report(visits.rows_by_item(gone))

    def pairs(self, table: str, column: str, wanted: Mapping[str, int], other: str) -> set[tuple[str, str]]:
        """Values of ``column`` that are wanted, with those of another column in the same rows."""
        rows = TABLES[table]
        asked = select(rows.c[column], rows.c[other], rows.c.event_timestamp).where(rows.c[column].in_(wanted))
        with self._tables.begin() as connection:
            found = connection.execute(asked).all()
        return {(each, with_it) for each, with_it, at in found if at <= moment(wanted[each])}

    def close(self) -> None:
        """Give the connections back."""
        self._tables.close()


def _holder(row: Any, void: Mapping[str, int]) -> visits.Holder:
    return row.user_id, visits.void_items(row.history_item_ids, row.history_timestamps, void)


def _without_visits(row: Any, void: Mapping[str, int]) -> Update:
    """A row's update; it changes nothing where another worker was first."""
    rows = TABLES[user_activity.name]
    same = [rows.c[name] == getattr(row, name) for name in ("user_id", "event_timestamp", visits.ITEMS)]
    left = visits.forgot(row.history_item_ids, row.history_actions, row.history_timestamps, void)
    return update(rows).where(*same).values(left)


def _add_columns(connection: Connection) -> None:
    """Add what a table of an earlier version lacks: an insert would drop it without a word."""
    for table in TABLES.values():
        present = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(connection)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))


def _records(schema: pa.Schema, rows: Sequence[Row]) -> list[dict[str, Any]]:
    entity, names, created = schema.names[0], schema.names[1:-2], datetime.now(UTC)
    return [
        {entity: row.entity_id, "event_timestamp": moment(row.stamp), "created": created}
        | {name: row.values[name] for name in names}
        for row in rows
    ]
