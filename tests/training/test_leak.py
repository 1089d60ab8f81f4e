"""What a label sees is what was known before it; anything newer fails."""

import itertools
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training.joins import features_of, join
from training.leak import LeakError
from training.snapshot import check_no_leak

US = pd.Timedelta(microseconds=1)


def log(settings: StoreSettings, table: str) -> pd.DataFrame:
    return pd.read_parquet(settings.offline_folder(table))


def newest_before(rows: pd.DataFrame, key: str, entity: str, stamp: pd.Timestamp) -> pd.Series | None:
    older = rows[(rows[key] == entity) & (rows.event_timestamp < stamp)]
    return None if older.empty else older.loc[older.event_timestamp.idxmax()]


def test_users_equal_an_as_of_join_made_by_hand(snapshot: Path, settings: StoreSettings) -> None:
    rows, labels = log(settings, "user_activity"), pq.read_table(snapshot / "labels.parquet").to_pylist()
    assert len(labels) > 50
    for label in labels:
        expected = newest_before(rows, "user_id", label["user_id"], label["event_timestamp"])
        if expected is None:
            assert label["history_item_ids"] is None
        else:
            assert label["history_item_ids"] == list(expected.history_item_ids)
            assert label["history_timestamps"] == list(expected.history_timestamps)
            assert label["user_actions_1h"] == list(expected.user_actions_1h)
            assert label["user_activity_at"] == expected.user_activity_at


def test_candidates_equal_an_as_of_join_made_by_hand(snapshot: Path, settings: StoreSettings) -> None:
    rows, candidates = log(settings, "item_activity"), pq.read_table(snapshot / "candidates.parquet").to_pylist()
    for candidate in candidates:
        expected = newest_before(rows, "item_id", candidate["item_id"], candidate["event_timestamp"])
        assert candidate["item_actions_7d"] == (None if expected is None else list(expected.item_actions_7d))


def test_the_second_of_two_events_in_one_second_sees_the_first(snapshot: Path) -> None:
    labels = pq.read_table(snapshot / "labels.parquet").to_pylist()
    pairs = [
        (first, second)
        for first, second in itertools.pairwise(labels)
        if (first["user_id"], first["timestamp"]) == (second["user_id"], second["timestamp"])
    ]
    assert pairs
    for first, second in pairs:
        assert first["item_id"] in second["history_item_ids"][-1:]


def test_an_honest_snapshot_passes_with_every_row_checked(snapshot: Path, settings: StoreSettings) -> None:
    assert check_no_leak(snapshot, settings) > 100


def with_rows_at(store: FeatureStore, snapshot: Path, name: str, view: str, later: pd.Timedelta, to: Path) -> Path:
    """A copy of the snapshot where the rows of one label come from ``later`` than just before it."""
    shutil.copytree(snapshot, to)
    table = pq.read_table(snapshot / f"{name}.parquet")
    key = f"{view.split('_')[0]}_id"
    places = [n for n, known in enumerate(table.column(f"{key[:4]}_activity_at").to_pylist()) if known is not None]
    asked = table.select([key, "event_timestamp"]).take(pa.array(places)).to_pandas()
    asked["event_timestamp"] += later
    moved = join(store, asked, features_of(view))
    honest = table.take(pa.array(places))
    for column in features_of(view):
        short = column.split(":")[1]
        honest = honest.set_column(honest.column_names.index(short), short, moved.column(short))
    pq.write_table(honest, to / f"{name}.parquet")
    return to


@pytest.mark.parametrize(("name", "view"), [("labels", "user_activity"), ("candidates", "item_activity")])
def test_rows_of_the_labels_own_moment_fail(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, tmp_path: Path, name: str, view: str
) -> None:
    leaked = with_rows_at(store, snapshot, name, view, 0 * US, tmp_path / "leaked")
    with pytest.raises(LeakError, match="not older than their label"):
        check_no_leak(leaked, settings)


def test_rows_a_moment_older_pass(store: FeatureStore, settings: StoreSettings, snapshot: Path, tmp_path: Path) -> None:
    assert check_no_leak(with_rows_at(store, snapshot, "labels", "user_activity", -US, tmp_path / "same"), settings)


def test_a_single_row_moved_into_the_future_fails(settings: StoreSettings, snapshot: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(snapshot, moved)
    table = pq.read_table(moved / "labels.parquet")
    place = next(n for n, at in enumerate(table.column("user_activity_at").to_pylist()) if at is not None)
    stamps = table.column("event_timestamp").to_pylist()
    stamps[place] = pd.Timestamp(table.column("user_activity_at")[place].as_py(), unit="ms", tz="UTC")
    column = pa.array(stamps, table.schema.field("event_timestamp").type)
    index = table.column_names.index("event_timestamp")
    pq.write_table(table.set_column(index, "event_timestamp", column), moved / "labels.parquet")
    with pytest.raises(LeakError, match="1 of"):
        check_no_leak(moved, settings)


def test_a_row_that_is_not_in_the_log_fails(settings: StoreSettings, snapshot: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    shutil.copytree(snapshot, forged)
    table = pq.read_table(forged / "labels.parquet")
    index = table.column_names.index("user_activity_at")
    pq.write_table(
        table.set_column(index, "user_activity_at", pc.add(table.column("user_activity_at"), 1)),
        forged / "labels.parquet",
    )
    with pytest.raises(LeakError, match="not in the offline log"):
        check_no_leak(forged, settings)


def test_no_label_sees_what_its_own_event_did_to_the_item(snapshot: Path) -> None:
    """Neither do two events of one moment, where the user's stamp is later than the row the event wrote to its item."""
    labels = pq.read_table(snapshot / "labels.parquet").to_pylist()
    candidates = pq.read_table(snapshot / "candidates.parquet").to_pylist()
    tied = 0
    for number, label in enumerate(labels):
        own = [each for each in candidates if each["label"] == number and each["item_id"] == label["item_id"]]
        tied += label["event_timestamp"].microsecond != 0
        assert all((each["item_activity_at"] or 0) < label["timestamp"] for each in own)
    assert tied > 10
