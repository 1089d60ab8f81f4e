"""The tables of keys and of what admins did, in SQLite and in a real PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from feature_repo.settings import StoreSettings
from serving.keys.key import Key, Scope, digest, id_of, issue
from serving.keys.tables import Action, Tables, open_tables
from tests.postgres import database, postgres

DELETED = Action(1, "admin", "DELETE /v1/items/{item_id}", "a", "asked")
_numbers = count()


def a_key(text: str = "frk_0123456789ab_secret", expires_at: int | None = None, per_second: float | None = None) -> Key:
    scopes = frozenset([Scope.READ_RANKINGS, Scope.ADMIN])
    return Key(id_of(text), "shop", digest(text), scopes, 1, per_second, expires_at)


@pytest.fixture(scope="module")
def server() -> Iterator[StoreSettings]:
    with postgres() as settings:
        yield settings


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.process)])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """Settings with a registry of their own."""
    if request.param == "sqlite":
        return StoreSettings(data_dir=tmp_path / "data")
    settings = database(request.getfixturevalue("server"), f"keys_{next(_numbers)}")
    return settings.model_copy(update={"registry": settings.postgres_url, "data_dir": tmp_path})


@pytest.fixture
def tables(stores: StoreSettings) -> Iterator[Tables]:
    opened = open_tables(stores)
    yield opened
    opened.close()


@pytest.mark.parametrize("key", [a_key(), a_key(expires_at=10**13, per_second=0.5)])
def test_keys_come_back_as_they_were(tables: Tables, key: Key) -> None:
    tables.add(key)
    assert tables.every_key() == [key]


def test_revoked_keys_stay_revoked_since_they_were_first(tables: Tables) -> None:
    key = a_key()
    tables.add(key)
    assert tables.revoke(key.key_id, 5) and tables.revoke(key.key_id, 9) and not tables.revoke("other", 9)
    assert [each.revoked_at for each in tables.every_key()] == [5]


def test_the_record_keeps_its_order(tables: Tables) -> None:
    for at in range(5):
        tables.record(replace(DELETED, at=at))
    assert [each.at for each in tables.actions(3)] == [2, 3, 4]


def test_processes_that_start_together_make_the_tables_once(stores: StoreSettings) -> None:
    started = [open_tables(stores) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda tables: tables.record(DELETED), started))
    assert started[0].actions(10) == [DELETED] * 4
    for tables in started:
        tables.close()


def test_no_file_of_the_database_holds_a_keys_text(tmp_path: Path) -> None:
    _, text = issue()
    tables = open_tables(StoreSettings(data_dir=tmp_path))
    tables.add(a_key(text))
    tables.close()
    assert text.rpartition("_")[2].encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
