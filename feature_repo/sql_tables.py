"""tables of our own -> an open connection pool of the database that has them, made by whoever comes first."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, MetaData, create_engine, event, make_url, text
from sqlalchemy.schema import CreateTable

CONNECT_S = 5  # libpq by itself waits minutes for a server that does not answer


class SqlTables:
    """The tables of ``metadata`` in PostgreSQL or SQLite, made when they are first used."""

    def __init__(self, url: str, metadata: MetaData) -> None:
        is_postgres = make_url(url).get_backend_name() == "postgresql"
        options = {"connect_timeout": CONNECT_S} if is_postgres else {}
        self.engine = create_engine(url, pool_pre_ping=True, connect_args=options)
        if not is_postgres:
            event.listen(self.engine, "connect", _overwrite_what_is_deleted)
        self._metadata, self._made = metadata, False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction on the tables. Raises SQLAlchemyError."""
        with self.engine.begin() as connection:
            if not self._made:
                _make(connection, self._metadata)
            yield connection
        self._made = True

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _make(connection: Connection, metadata: MetaData) -> None:
    """Make the tables that are missing; several processes may start at once, which PostgreSQL has to be told."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('freshrank.tables'))"))
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))


def _overwrite_what_is_deleted(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA secure_delete = ON")  # SQLite leaves deleted text in its file otherwise
