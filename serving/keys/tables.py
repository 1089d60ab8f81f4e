"""Keys and the record of admin actions <-> two tables beside Feast's registry.

The registry's database is there in every deployment and shared by all API processes; it holds nothing of users.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    insert,
    select,
    update,
)

from feature_repo.settings import StoreSettings
from feature_repo.sql_tables import SqlTables
from serving.keys.key import Key, Scope

_metadata = MetaData()
_keys = Table(
    "api_keys",
    _metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", Text, nullable=False),  # with spaces between them
    Column("created_at", BigInteger, nullable=False),  # epoch ms, as every time here
    Column("per_second", Double),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)
_actions = Table(
    "api_audit",
    _metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Action:
    """What an admin asked for, or what came of it."""

    at: int  # epoch ms
    who: str  # id and name of the key, `cli:<system user>`, or `keys are off`
    action: str  # `DELETE /v1/users/{user_id}`
    subject: str  # an item's id, a user's pseudonym, a key's id
    outcome: str  # `asked`, then the status or the error's code


class Tables:
    """The two tables, open. Everything raises SQLAlchemyError."""

    def __init__(self, url: str) -> None:
        self._tables = SqlTables(url, _metadata)

    def add(self, key: Key) -> None:
        """Keep a new key."""
        with self._tables.begin() as connection:
            connection.execute(insert(_keys), asdict(key) | {"scopes": " ".join(sorted(key.scopes))})

    def every_key(self) -> list[Key]:
        """Every key there is or was, the oldest first."""
        with self._tables.begin() as connection:
            return [_key(row) for row in connection.execute(select(_keys).order_by(_keys.c.created_at))]

    def revoke(self, key_id: str, now_ms: int) -> bool:
        """Whether there is such a key; from now on it opens nothing. One revoked before keeps its time."""
        with self._tables.begin() as connection:
            mine = _keys.c.key_id == key_id
            connection.execute(update(_keys).where(mine, _keys.c.revoked_at.is_(None)).values(revoked_at=now_ms))
            return connection.execute(select(_keys.c.key_id).where(mine)).first() is not None

    def record(self, action: Action) -> None:
        """Append to the record; nothing here changes or removes what is in it."""
        with self._tables.begin() as connection:
            connection.execute(insert(_actions), asdict(action))

    def actions(self, last: int) -> list[Action]:
        """The newest ``last`` of the record, the oldest of them first."""
        columns = [_actions.c[field.name] for field in fields(Action)]
        with self._tables.begin() as connection:
            rows = connection.execute(select(*columns).order_by(_actions.c.number.desc()).limit(last)).all()
        return [Action(*row) for row in reversed(rows)]

    def close(self) -> None:
        """Give the connections back."""
        self._tables.close()


def open_tables(stores: StoreSettings) -> Tables:
    """The tables where these settings have the registry."""
    stores.data_dir.mkdir(parents=True, exist_ok=True)
    return Tables(stores.registry_url)


def _key(row: Row[Any]) -> Key:
    return Key(**(row._asdict() | {"scopes": frozenset(map(Scope, row.scopes.split()))}))
