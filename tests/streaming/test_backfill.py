"""History through the stream's own updates."""

import json
import random
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine

from feature_repo import item_activity as items_pure
from feature_repo import user_activity as users_pure
from feature_repo.erasure import Mark, Task, open_erasures
from feature_repo.settings import StoreSettings
from streaming import backfill, shard
from streaming.events import InvalidEvent
from streaming.parts import append
from streaming.prepare import REJECTS
from streaming.rows import item_from_row, user_from_row
from streaming.sources import Source
from tests.fakes import MemoryRows, as_logged

T = 1_750_000_000_000
CATEGORIES = {"a": ["war"], "b": ["drama", "war"]}


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> dict[str, MemoryRows]:
    """The online store that a backfill meets: view name -> its rows."""
    stores: dict[str, MemoryRows] = {}
    monkeypatch.setattr(backfill, "apply", lambda store: None)
    monkeypatch.setattr(shard, "OnlineRows", lambda _, view: stores.setdefault(view.name, MemoryRows(view)))
    return stores


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(data_dir=tmp_path / "data")


def history(folder: Path, events: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "interactions.jsonl").write_text("\n".join(map(json.dumps, events)))
    items = [{"item_id": name, "categories": each, "published_at": "1999-01-01"} for name, each in CATEGORIES.items()]
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    return folder


def some_events(count: int) -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [
        {
            "event_id": str(number),
            "user_id": chance.choice("xyz"),
            "item_id": chance.choice("abc"),
            "action": chance.choice(["impression", "click", "like"]),
            "timestamp": T + chance.randrange(86_400_000),
        }
        for number in range(count)
    ]


def table(settings: StoreSettings, name: str) -> list[dict[str, Any]]:
    parts = sorted((settings.data_dir / "offline" / name).glob("*.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def test_a_backfill_writes_what_a_plain_loop_computes(
    tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = some_events(300)
    monkeypatch.setattr(shard, "PART_ROWS", 70)
    counts = backfill.run(history(tmp_path / "shop", events), None, settings).rows
    assert (
        counts["interactions"] == len(table(settings, "user_activity")) == len(table(settings, "item_activity")) == 300
    )
    ordered = sorted(events, key=lambda event: event["timestamp"])
    users = {user: users_pure.UserActivity() for user in "xyz"}
    by_user = sorted(ordered, key=lambda event: event["user_id"])
    for event, row in zip(by_user, table(settings, "user_activity"), strict=True):
        user, item_id = event["user_id"], event["item_id"]
        users[user] = users_pure.advance(
            users[user], item_id, event["action"], event["timestamp"], CATEGORIES.get(item_id, [])
        )
        assert row["user_id"] == user
        expected = as_logged(users_pure.to_row(users[user]))
        assert {name: row[name] for name in expected} == expected
    for user, row in online["user_activity"].rows.items():
        assert user_from_row(row.values).activity == users[user]
    for item_id, row in online["item_activity"].rows.items():
        own = [event for event in ordered if event["item_id"] == item_id]
        activity = reduce(
            lambda state, event: items_pure.advance(state, event["action"], event["timestamp"]),
            own,
            items_pure.ItemActivity(),
        )
        assert item_from_row(row.values).activity == activity
    assert online["item_content"].rows["b"].values["item_categories"] == ["drama", "war"]
    assert online["item_content"].rows["b"].values["item_published_at"] == 915_148_800_000


@pytest.mark.usefixtures("online")
def test_two_processes_write_what_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "SMALLEST_SHARD", 10)
    folder, logs = history(tmp_path / "shop", some_events(300)), []
    for processes in (1, 2):
        settings = StoreSettings(data_dir=tmp_path / str(processes))
        counts = backfill.run(folder, None, settings, processes=processes).rows
        assert counts["user_activity"] == counts["item_activity"] == 3
        tables = (table(settings, name) for name in ("user_activity", "item_activity", "interactions"))
        logs.append([sorted(str({**row, "created": None}) for row in rows) for rows in tables])
    assert logs[0] == logs[1]
    assert [len(rows) for rows in logs[0]] == [300, 300, 300]


def test_the_catalogue_is_known_when_the_history_begins(
    tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]
) -> None:
    events = some_events(10)
    backfill.run(history(tmp_path / "shop", events), None, settings)
    assert online["item_content"].rows["a"].stamp == 1000 * min(event["timestamp"] for event in events)


def test_duplicates_are_counted_once_and_said(
    tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]
) -> None:
    events = some_events(20)
    counts = backfill.run(history(tmp_path / "shop", events + events[:5]), None, settings).rows
    assert (counts["interactions"], counts["duplicates"]) == (20, 5)
    assert len(table(settings, "interactions")) == 20


def test_events_without_an_id_all_count(tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]) -> None:
    events = [{name: value for name, value in event.items() if name != "event_id"} for event in some_events(20)]
    assert backfill.run(history(tmp_path / "shop", events), None, settings).rows["interactions"] == 20
    assert len({row["event_id"] for row in table(settings, "interactions")}) == 20


def test_a_log_with_rows_is_not_written_over_unless_asked(
    tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]
) -> None:
    folder = history(tmp_path / "shop", some_events(10))
    backfill.run(folder, None, settings)
    with pytest.raises(FileExistsError, match="add --replace"):
        backfill.run(folder, None, settings)
    backfill.run(folder, None, settings, replace=True)
    assert len(table(settings, "interactions")) == 10


@pytest.mark.parametrize("writes", [0, 1, 4, 7, 10, 11])
def test_a_backfill_that_breaks_off_goes_on(
    tmp_path: Path,
    settings: StoreSettings,
    online: dict[str, MemoryRows],
    monkeypatch: pytest.MonkeyPatch,
    writes: int,
) -> None:
    """After so many parts. The first try ends as if it were killed: nothing is put in order."""
    monkeypatch.setattr(shard, "PART_ROWS", 70)
    folder, left = history(tmp_path / "shop", some_events(300)), iter([True] * writes)

    def append_some(*part: Any) -> None:
        append(*part)
        if not next(left, False):
            raise KeyboardInterrupt

    monkeypatch.setattr(shard, "append", append_some)
    with pytest.raises(KeyboardInterrupt):
        backfill.run(folder, None, settings)
    assert backfill.saved_plan(settings) is not None
    monkeypatch.setattr(shard, "append", append)
    counts = backfill.run(folder, None, settings).rows
    elsewhere = StoreSettings(data_dir=tmp_path / "undisturbed")
    assert backfill.run(folder, None, elsewhere).rows == counts
    for name in ("user_activity", "item_activity", "interactions", "item_content"):
        assert without_created(settings, name) == without_created(elsewhere, name)
    assert {row.entity_id: row.stamp for row in online["user_activity"].rows.values()} == last_stamps(settings)
    assert backfill.saved_plan(settings) is None


def without_created(settings: StoreSettings, name: str) -> list[dict[str, Any]]:
    return [{**row, "created": None} for row in table(settings, name)]


def last_stamps(settings: StoreSettings) -> dict[str, int]:
    """User -> the stamp of the last row that the log has of it, epoch microseconds."""
    rows = sorted(table(settings, "user_activity"), key=lambda row: row["event_timestamp"])
    return {row["user_id"]: int(pd.Timestamp(row["event_timestamp"]).value // 1000) for row in rows}


def test_an_unfinished_backfill_of_another_source_is_not_written_over(
    tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = history(tmp_path / "shop", some_events(10))
    monkeypatch.setattr(shard, "append", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backfill.run(folder, None, settings)
    monkeypatch.setattr(shard, "append", append)
    with pytest.raises(FileExistsError, match="was not finished"):
        backfill.run(folder, "0.5", settings)
    assert backfill.run(folder, "0.5", settings, replace=True).rows["interactions"] == 5
    assert len(table(settings, "interactions")) == 5


def test_rows_that_are_no_interaction_are_counted_and_written_down(
    tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]
) -> None:
    events = some_events(10)
    folder = history(tmp_path / "shop", [*events, events[0] | {"action": "stare"}])
    with (folder / "items.jsonl").open("a") as items:
        items.write("\n" + json.dumps({"title": "nameless"}))
    counts = backfill.run(folder, None, settings).rows
    assert (counts["interactions"], counts["rejected"], counts["item_content"]) == (10, 2, 2)
    rejected = [json.loads(line) for line in (settings.data_dir / REJECTS).read_text().splitlines()]
    assert [(each["table"], each["row"], each["reason"]) for each in rejected] == [
        ("interactions", 10, "Invalid enum value 'stare' - at `$.action`"),
        ("items", 2, "Object missing required field `item_id`"),
    ]


def test_a_source_without_one_interaction_says_why(tmp_path: Path, settings: StoreSettings) -> None:
    folder = history(tmp_path / "shop", [some_events(1)[0] | {"timestamp": 7}])
    with pytest.raises(InvalidEvent, match=r"no row of .* is an interaction; row 0 of interactions: `timestamp` 7"):
        backfill.run(folder, None, settings)


def test_a_database_is_a_source_like_files(
    tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]
) -> None:
    events, url = some_events(50), f"sqlite:///{tmp_path}/shop.db"
    folder = history(tmp_path / "shop", events)
    pd.DataFrame(events).to_sql("clicks", create_engine(url), index=False)
    query = "SELECT event_id, user_id, item_id, action, timestamp FROM clicks"
    backfill.run(Source(folder, url, {"interactions": query}), None, settings, processes=1)
    files = StoreSettings(data_dir=tmp_path / "files")
    backfill.run(folder, None, files)
    for name in ("user_activity", "item_activity", "interactions"):
        assert by_text(settings, name) == by_text(files, name)


def by_text(settings: StoreSettings, name: str) -> list[str]:
    return sorted(map(str, without_created(settings, name)))


def test_a_backfill_brings_nobody_back(tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]) -> None:
    events = some_events(200)
    folder, half = history(tmp_path / "shop", events), T + 43_200_000
    (folder / "users.jsonl").write_text('{"user_id": "x", "attributes": {"age": "30"}}')
    erasures = open_erasures(settings)
    for view, key in (("user_activity", "x"), ("user_profile", "x"), ("item_activity", "a"), ("item_content", "a")):
        erasures.reach([(Task("r", view, key, half), Mark(half * 1000, half))])
    erasures.close()
    backfill.run(folder, None, settings)
    late = [each for each in events if each["timestamp"] > half or (each["user_id"] != "x" and each["item_id"] != "a")]
    assert {row["event_id"] for row in table(settings, "interactions")} == {each["event_id"] for each in late}
    assert online["user_profile"].rows == {} and set(online["item_content"].rows) == {"b"}
    for row in (*table(settings, "user_activity"), *(each.values for each in online["user_activity"].rows.values())):
        visits = zip(row["history_item_ids"], row["history_timestamps"], strict=True)
        assert all(item_id != "a" or when > half for item_id, when in visits)
