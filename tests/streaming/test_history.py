"""Files people have -> validated events."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from streaming.events import Interaction, InvalidEvent, Item
from streaming.history import interactions, message, messages, read_table

T = 1_750_000_000_000
EVENTS: list[dict[str, Any]] = [
    {"event_id": "1", "user_id": "7", "item_id": "NA", "action": "rating", "timestamp": T + 5, "value": 4.5},
    {"event_id": "2", "session_id": "9", "item_id": "2", "action": "click", "timestamp": T, "position": 3},
    {"event_id": "3", "user_id": "7", "item_id": "2", "action": "view", "timestamp": T},
]
ITEMS: list[dict[str, Any]] = [
    {"item_id": "1", "title": "1984", "categories": ["drama", "war"], "attributes": {"by": "Radford"}, "hidden": True},
    {"item_id": "2", "title": "None", "categories": [], "attributes": {}, "published_at": T},
]


def write(folder: Path, suffix: str, name: str, rows: list[dict[str, Any]]) -> None:
    path, table = folder / f"{name}.{suffix}", pd.DataFrame(rows)
    match suffix:
        case "parquet":
            table.to_parquet(path)
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
        case "csv":
            flat = [{column: _cell(value) for column, value in row.items()} for row in rows]
            pd.DataFrame(flat).to_csv(path, index=False)


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return "|".join(f"{name}={each}" for name, each in value.items())
    return "|".join(value) if isinstance(value, list) else value


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_every_kind_of_file_gives_the_same_interactions_in_time_order(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, suffix, "interactions", EVENTS)
    read = list(messages(interactions(tmp_path), Interaction))
    assert read == [Interaction(**EVENTS[place]) for place in (1, 2, 0)]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_every_kind_of_file_gives_the_same_items(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, suffix, "items", ITEMS)
    table = read_table(tmp_path, "items")
    assert table is not None
    assert list(messages(table, Item)) == [Item(**each) for each in ITEMS]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_a_bad_row_is_named_as_it_stands_in_the_file(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, suffix, "interactions", [*EVENTS, EVENTS[0] | {"action": "stare", "timestamp": T - 9}])
    with pytest.raises(InvalidEvent, match="row 3: Invalid enum value 'stare'"):
        list(messages(interactions(tmp_path), Interaction))


@pytest.mark.parametrize("when", [T // 1000, None, "soon"])
def test_a_bad_time_is_named_with_its_row(tmp_path: Path, when: Any) -> None:
    write(tmp_path, "jsonl", "interactions", [EVENTS[0], EVENTS[1] | {"timestamp": when}])
    with pytest.raises(InvalidEvent, match="row 1: `timestamp`"):
        interactions(tmp_path)


def test_an_interaction_of_nobody_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "csv", "interactions", [{"item_id": "1", "action": "view", "timestamp": T}])
    with pytest.raises(InvalidEvent, match="row 0: an interaction needs a `user_id` or a `session_id`"):
        list(messages(interactions(tmp_path), Interaction))


def test_numbers_serve_as_ids(tmp_path: Path) -> None:
    pd.DataFrame({"user_id": [7], "item_id": [42], "action": ["view"], "timestamp": [T]}).to_parquet(
        tmp_path / "interactions.parquet"
    )
    [event] = messages(interactions(tmp_path), Interaction)
    assert (event.user_id, event.item_id) == ("7", "42")


def test_times_may_be_datetimes_or_iso_8601(tmp_path: Path) -> None:
    for number, times in enumerate((pd.to_datetime([T], unit="ms"), pd.to_datetime([T], unit="ms", utc=True))):
        folder = tmp_path / str(number)
        folder.mkdir()
        columns = {"user_id": ["7"], "item_id": ["1"], "action": ["view"], "timestamp": times}
        pd.DataFrame(columns).to_parquet(folder / "interactions.parquet")
        assert interactions(folder)["timestamp"].tolist() == [T]
    write(tmp_path, "csv", "interactions", [EVENTS[0] | {"timestamp": "2025-06-15T15:06:40Z"}])
    assert interactions(tmp_path)["timestamp"].tolist() == [T]


def test_a_folder_without_interactions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no interactions\.parquet, \.csv or \.jsonl"):
        interactions(tmp_path)


def test_interactions_without_a_time_column_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "csv", "interactions", [{"user_id": "1"}])
    with pytest.raises(InvalidEvent, match="column `timestamp`"):
        interactions(tmp_path)


def test_media_vectors_come_from_arrays_lists_and_text() -> None:
    for given in (np.array([0.5, 1.0]), [0.5, 1], "0.5|1"):
        assert message({"item_id": "a", "image_vector": given}, Item).image_vector == [0.5, 1.0]
    for nothing in (None, float("nan"), "", np.zeros(0)):
        assert message({"item_id": "a", "image_vector": nothing}, Item).image_vector == []
    with pytest.raises(InvalidEvent, match="image_vector"):
        message({"item_id": "a", "image_vector": np.array([np.nan])}, Item)
