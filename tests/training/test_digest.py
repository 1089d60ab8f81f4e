"""A snapshot's name is that of its rows and definitions, and of nothing else."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training import digest as naming
from training.config import SnapshotConfig
from training.digest import definitions, digest
from training.snapshot import write_snapshot

CONFIG = SnapshotConfig(until="0.8", validation=0.3, negatives=4, stride=4)  # as conftest.py takes its snapshot


def copied(snapshot: Path, to: Path, rows: int) -> Path:
    """The same tables in row groups of so many rows."""
    to.mkdir()
    for path in snapshot.glob("*.parquet"):
        pq.write_table(pq.read_table(path), to / path.name, row_group_size=rows, compression="zstd")
    return to


def changed(snapshot: Path, to: Path, column: str, value: Any) -> Path:
    """The same tables, but for one value of one label."""
    table = pq.read_table(copied(snapshot, to, 1000) / "labels.parquet")
    values = table.column(column).to_pylist()
    values[7] = value(values[7])
    place = table.column_names.index(column)
    table = table.set_column(place, column, pa.array(values, table.schema.field(column).type))
    pq.write_table(table, to / "labels.parquet")
    return to


def test_the_snapshots_name_is_the_digest_of_what_it_holds(snapshot: Path) -> None:
    assert digest(snapshot) == snapshot.name == json.loads((snapshot / "snapshot.json").read_text())["snapshot_id"]


@pytest.mark.parametrize("rows", [1, 7, 100_000])
def test_row_groups_do_not_matter(snapshot: Path, tmp_path: Path, rows: int) -> None:
    assert digest(copied(snapshot, tmp_path / "copy", rows)) == snapshot.name


def test_nor_does_how_many_rows_a_join_takes(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, tmp_path: Path
) -> None:
    small = SnapshotConfig(**{**vars(CONFIG), "chunk": 37})
    assert write_snapshot(store, settings, tmp_path, small).name == snapshot.name


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("timestamp", lambda at: at + 1),
        ("action", lambda action: "like"),
        ("history_item_ids", lambda ids: [*(ids or []), "i0"]),
        ("user_actions_1h", lambda counts: None if counts else [1.0] * 8),
    ],
)
def test_one_value_of_one_row_changes_it(snapshot: Path, tmp_path: Path, column: str, value: Any) -> None:
    assert digest(changed(snapshot, tmp_path / "copy", column, value)) != snapshot.name


def test_the_order_of_rows_changes_it(snapshot: Path, tmp_path: Path) -> None:
    table = pq.read_table(copied(snapshot, tmp_path / "copy", 1000) / "labels.parquet")
    pq.write_table(table.take(list(range(len(table)))[::-1]), tmp_path / "copy" / "labels.parquet")
    assert digest(tmp_path / "copy") != snapshot.name


def test_one_definition_changes_it(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = definitions()
    [_, fields] = other["views"]["item_activity"]
    for name, _, tags in fields:
        if name == "item_ctr_7d":
            tags["default"] = "0.06"
    monkeypatch.setattr(naming, "definitions", lambda: other)
    assert digest(snapshot) != snapshot.name


def test_definitions_can_be_written_down(snapshot: Path) -> None:
    assert json.loads(json.dumps(definitions()))["read"]["user_profile"] == ["user_attributes"]
