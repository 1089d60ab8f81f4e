"""History through the stream's own updates."""

import json
import random
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from feature_repo import item_activity as items_pure
from feature_repo import user_activity as users_pure
from feature_repo.settings import StoreSettings
from streaming import backfill, shard
from streaming.events import InvalidEvent
from streaming.rows import item_from_row, user_from_row
from tests.fakes import MemoryRows, as_logged

T = 1_750_000_000_000
CATEGORIES = {"a": ["war"], "b": ["drama", "war"]}


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> dict[str, MemoryRows]:
    """The online store that a backfill meets: view name -> its rows."""
    stores: dict[str, MemoryRows] = {}
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
    counts = backfill.run(history(tmp_path / "shop", events), None, settings)
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
        counts = backfill.run(folder, None, settings, processes=processes)
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
    counts = backfill.run(history(tmp_path / "shop", events + events[:5]), None, settings)
    assert (counts["interactions"], counts["duplicates"]) == (20, 5)
    assert len(table(settings, "interactions")) == 20


def test_events_without_an_id_all_count(tmp_path: Path, settings: StoreSettings, online: dict[str, MemoryRows]) -> None:
    events = [{name: value for name, value in event.items() if name != "event_id"} for event in some_events(20)]
    assert backfill.run(history(tmp_path / "shop", events), None, settings)["interactions"] == 20
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


TIMES = pd.DataFrame({"timestamp": [T + hour * 3_600_000 for hour in range(10)]})


def test_until_takes_a_share_of_the_events_in_time() -> None:
    assert len(backfill.cut(TIMES, "0.8")) == 8
    assert len(backfill.cut(TIMES, "1")) == len(backfill.cut(TIMES, None)) == 10


def test_until_takes_an_iso_time_and_includes_it() -> None:
    assert len(backfill.cut(TIMES, "2025-06-15T17:06:40Z")) == 3


@pytest.mark.parametrize("until", ["0", "1.5", "nan", "later"])
def test_until_refuses_anything_else(until: str) -> None:
    with pytest.raises(InvalidEvent, match="--until"):
        backfill.cut(TIMES, until)
