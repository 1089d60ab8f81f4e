"""The offline log in a real PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo.item_activity import ItemActivity
from feature_repo.online import Row, moment
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from feature_repo.user_activity import UserActivity, advance, to_row
from streaming import log_erasure, sql_log
from streaming.events import Interaction, Item, User
from streaming.offline_log import INTERACTIONS, MERGES, SCHEMAS, OfflineLog
from streaming.row_log import open_log
from streaming.rows import TrackedItem, content_row, interaction_row, item_row, profile_row
from streaming.sql_log import SqlLog
from tests.fakes import as_logged
from tests.postgres import PASSWORD, database, environment, postgres, rows_of
from tests.streaming.live import Live, interactions

pytestmark = pytest.mark.process

T = 1_750_000_000_000
USER = Row("7", T * 1000 + 1, to_row(advance(UserActivity(), "42", "click", T, ['war "and" {peace}'])))
_numbers = count()


def event(user_id: str = "7", event_id: str = "e", request_id: str | None = None) -> Row:
    interaction = Interaction(
        event_id=event_id,
        user_id=user_id,
        item_id="4\\2",
        action="click",
        timestamp=T,
        position=3,
        request_id=request_id,
    )
    return interaction_row(interaction, T * 1000 + 1)


@pytest.fixture(scope="module")
def server() -> Iterator[StoreSettings]:
    with postgres() as settings:
        yield settings


@pytest.fixture
def settings(server: StoreSettings) -> StoreSettings:
    """A database of its own."""
    return database(server, f"test_{next(_numbers)}")


@pytest.fixture
def log(settings: StoreSettings) -> Iterator[SqlLog]:
    log = SqlLog(settings.postgres_url)
    yield log
    log.close()


def execute(settings: StoreSettings, statement: str) -> None:
    with create_engine(settings.postgres_url, poolclass=NullPool).begin() as connection:
        connection.execute(text(statement))


def test_the_settings_choose_the_log(settings: StoreSettings, tmp_path: Path) -> None:
    chosen = open_log(settings)
    assert isinstance(chosen, SqlLog)
    chosen.close()
    assert isinstance(open_log(StoreSettings(data_dir=tmp_path)), OfflineLog)


def test_every_table_reads_back_what_was_logged(settings: StoreSettings, log: SqlLog) -> None:
    item = Item(item_id="4", title="Ünï \U0001f3ac", categories=["a,b", ""], attributes={"x": 1.5}, published_at=-1)
    logged = {
        "user_activity": USER,
        "user_profile": profile_row(User(user_id="7"), T),
        "item_content": content_row(item, T * 1000),
        "item_activity": item_row("4", TrackedItem(ItemActivity())),
        INTERACTIONS: event(),
        MERGES: Row("m", T * 1000 + 1, {"user_id": "7", "session": "session:s", "timestamp": T}),
    }
    assert logged.keys() == SCHEMAS.keys()
    for table, row in logged.items():
        log.append(table, "part", [row])
        [read] = rows_of(settings, table)
        assert list(read) == SCHEMAS[table].names
        assert read[SCHEMAS[table].names[0]] == row.entity_id
        assert {name: read[name] for name in row.values} == as_logged(row.values)
        assert read["event_timestamp"] == moment(row.stamp)
        assert (datetime.now(UTC) - read["created"]).total_seconds() < 60


def test_a_batch_that_is_logged_again_changes_nothing(settings: StoreSettings, log: SqlLog) -> None:
    batch = [USER, USER._replace(stamp=USER.stamp + 1)]
    log.append("user_activity", "first", batch[:1])
    before = rows_of(settings, "user_activity")
    for part in ("again", "and again"):
        log.append("user_activity", part, [*batch, *batch])
    after = rows_of(settings, "user_activity")
    assert after[:1] == before and len(after) == 2


def test_a_batch_that_fails_leaves_nothing(settings: StoreSettings, log: SqlLog) -> None:
    with pytest.raises(SQLAlchemyError):
        log.append(INTERACTIONS, "part", [event(), event(event_id="f", request_id="\0")])
    assert log.is_empty()
    log.append(INTERACTIONS, "part", [event()])
    assert not log.is_empty()


def test_two_users_may_use_the_same_event_id(settings: StoreSettings, log: SqlLog) -> None:
    log.append(INTERACTIONS, "part", [event("7"), event("8"), event("7")])
    assert sorted(row["user_id"] for row in rows_of(settings, INTERACTIONS)) == ["7", "8"]


def test_a_cleared_log_is_empty(log: SqlLog) -> None:
    log.append("user_activity", "part", [USER])
    log.clear()
    assert log.is_empty()


def test_workers_that_start_together_make_the_tables_once(settings: StoreSettings) -> None:
    with ThreadPoolExecutor(6) as threads:
        logs = list(threads.map(SqlLog, [settings.postgres_url] * 6))
    assert all(log.is_empty() for log in logs)
    for log in logs:
        log.close()


def test_a_new_feature_gets_its_column_and_old_rows_none(settings: StoreSettings, log: SqlLog) -> None:
    execute(settings, "ALTER TABLE user_activity DROP COLUMN history_item_ids")
    log.append("user_activity", "old", [USER])
    newer = SqlLog(settings.postgres_url)
    newer.append("user_activity", "new", [USER._replace(stamp=USER.stamp + 1)])
    newer.close()
    assert [row["history_item_ids"] for row in rows_of(settings, "user_activity")] == [None, ["42"]]


def test_a_connection_that_was_cut_is_opened_again(settings: StoreSettings, log: SqlLog) -> None:
    log.append("user_activity", "part", [USER])
    others = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    execute(settings, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity {others}")
    log.append("user_activity", "part", [USER._replace(stamp=USER.stamp + 1)])
    assert len(rows_of(settings, "user_activity")) == 2


def test_the_name_of_a_log_keeps_the_password_secret(log: SqlLog) -> None:
    assert PASSWORD not in str(log) and "***@127.0.0.1" in str(log)


def test_a_worker_logs_each_event_once_however_often_it_is_told(
    settings: StoreSettings, log: SqlLog, tmp_path: Path
) -> None:
    told = interactions("sql", 200)
    given = free_environment(tmp_path) | environment(settings)
    given |= {"FRESHRANK_REGISTRY": settings.postgres_url, "FRESHRANK_SESSION_TIMEOUT_S": "2"}  # as in compose
    with running(given, ["broker", "online-store", "worker"]) as system:
        live = Live(system, open_store(StoreSettings(redis=system.settings.redis, data_dir=tmp_path)))
        live.send([Item(item_id=told[0].item_id, title="A film"), User(user_id=told[0].key)])
        live.send([*told, *told[-20:]])
        live.eventually(lambda: len(rows_of(settings, "item_activity")) == 200)
        live.eventually(lambda: rows_of(settings, "item_content") and rows_of(settings, "user_profile"))
        logged = rows_of(settings, INTERACTIONS)
        assert sorted(row["event_id"] for row in logged) == sorted(each.event_id for each in told)
        assert len(rows_of(settings, "user_activity")) == 200
        assert not list(tmp_path.glob("offline/*/*.parquet"))


def test_rows_of_the_forgotten_go_and_newer_ones_and_other_peoples_stay(settings: StoreSettings, log: SqlLog) -> None:
    stamp, merge = T * 1000 + 1, {"session": "session:s", "timestamp": T}
    log.append("user_activity", "", [USER, USER._replace(stamp=stamp + 5), USER._replace(entity_id="8")])
    log.append(INTERACTIONS, "", [event(), event("8")])
    log.append(MERGES, "", [Row("m", stamp, {"user_id": "7", **merge}), Row("n", stamp, {"user_id": "8", **merge})])
    assert log_erasure.sessions(log, {"7": stamp}) == {("7", "session:s")}
    assert log_erasure.sessions(log, {"7": stamp - 1}) == set()
    told: list[Any] = []
    for table, column in ((each, "user_id") for each in ("user_activity", INTERACTIONS, MERGES)):
        log_erasure.erase(log, table, column, {"7": stamp, "9": stamp}, lambda part, rows: told.append((part, rows)))
    assert told == [("", {"7": 1})] * 3
    left = {(row["user_id"], row["event_timestamp"]) for row in rows_of(settings, "user_activity")}
    assert left == {("7", moment(stamp + 5)), ("8", moment(stamp))}
    assert [row["user_id"] for row in rows_of(settings, INTERACTIONS)] == ["8"]


def test_visits_of_a_forgotten_item_leave_the_histories(
    settings: StoreSettings, log: SqlLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_log, "HISTORIES", 2)
    rows = []
    for number, items in enumerate([["42"], ["film"], ["42", "film"], ["film", "42"], ["42", "42"]]):
        activity = UserActivity()
        for place, item_id in enumerate(items):
            activity = advance(activity, item_id, "click", T + place)
        rows.append(Row(f"u{number}", T * 1000 + number, to_row(activity)))
    log.append("user_activity", "part", rows)
    settled, told = list[set[str]](), list[Any]()
    for _ in range(2):
        log_erasure.erase_visits(log, {"42": T}, settled.append, lambda part, counts: told.append((part, counts)))
    assert set().union(*settled) == {"u0", "u2", "u4"} and sum(counts["42"] for _, counts in told) == 3
    assert len({part for part, _ in told}) == len(told)
    left = rows_of(settings, "user_activity")
    assert [row["history_item_ids"] for row in left] == [[], ["film"], ["film"], ["film", "42"], ["42"]]
    assert [len(row["history_timestamps"]) for row in left] == [0, 1, 1, 2, 1]
    assert [row["user_session_events"] for row in left] == [0, 1, 1, 2, 1]
    assert [row["user_actions_1h"] for row in left] == [list(row.values["user_actions_1h"]) for row in rows]
    log.append("user_activity", "part", rows)  # a batch that is delivered again does not put it back
    assert rows_of(settings, "user_activity") == left


def test_interactions_with_a_forgotten_item_go_by_their_own_time(settings: StoreSettings, log: SqlLog) -> None:
    log.append(INTERACTIONS, "", [event(), event("8")._replace(stamp=T * 1000 + 10**9)])
    told: list[Any] = []
    for until in (T - 1, T):
        log_erasure.erase(
            log, INTERACTIONS, "item_id", {"4\\2": until}, lambda part, rows: told.append(dict(rows)), "timestamp"
        )
    assert told == [{}, {"4\\2": 2}]
