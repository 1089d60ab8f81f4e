"""Each view in turn shows its rows a microsecond early: no snapshot is taken of that."""

import shutil
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from feast import FeatureStore, FeatureView, FileSource
from feast.data_format import ParquetFormat

from feature_repo.features import VIEWS, item, user
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from tests.training.tiny import BEGIN, HOUR, content
from training.config import SnapshotConfig
from training.leak import LeakError
from training.snapshot import write_snapshot

CUTOFF = BEGIN + 45 * HOUR
CONFIG = SnapshotConfig(until=pd.Timestamp(CUTOFF, unit="ms", tz="UTC").isoformat(), negatives=4, stride=4)


@pytest.fixture
def truth(settings: StoreSettings, tmp_path: Path) -> StoreSettings:
    """The shop's log, where somebody's age changes at the very stamp of an event, and an item just after the cutoff."""
    copied = StoreSettings(data_dir=tmp_path / "truth")
    shutil.copytree(settings.offline_folder("interactions").parent, copied.offline_folder("interactions").parent)
    events = pd.read_parquet(copied.offline_folder("interactions"))
    label = events[events.timestamp < CUTOFF].iloc[-1]
    plant(copied, "user_profile", {"user_id": label.user_id, "user_attributes": ["age=31"]}, label.event_timestamp)
    after = pd.Timestamp(CUTOFF + 1, unit="ms", tz="UTC")
    plant(copied, "item_content", content("i3") | {"item_title": "blue"}, after)
    return copied


def plant(settings: StoreSettings, table: str, row: dict[str, object], stamp: pd.Timestamp) -> None:
    planted = pd.DataFrame([row | {"event_timestamp": stamp, "created": stamp}])
    stamps = {name: planted[name].astype("datetime64[us, UTC]") for name in ("event_timestamp", "created")}
    planted.assign(**stamps).to_parquet(settings.offline_folder(table) / "part-1.parquet", index=False)


def store_of(truth: StoreSettings, folder: Path, early: str | None) -> FeatureStore:
    """A store whose view ``early`` tells everything a microsecond too soon."""
    store = open_store(StoreSettings(data_dir=folder))
    views = []
    for view in VIEWS:
        told = truth.offline_folder(view.name)
        if view.name == early:
            told = folder / view.name
            told.mkdir(parents=True)
            for part in truth.offline_folder(view.name).glob("*.parquet"):
                rows = pd.read_parquet(part)
                rows["event_timestamp"] -= timedelta(microseconds=1)
                rows.to_parquet(told / part.name, index=False)
        views.append(_reading(view, told))
    store.apply([user, item, *views])
    return store


def _reading(view: FeatureView, folder: Path) -> FeatureView:
    entity = user if "user_id" in view.join_keys else item
    source = FileSource(
        name=f"{view.name}_told",
        path=f"{folder}/*.parquet",
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
    return FeatureView(name=view.name, entities=[entity], ttl=view.ttl, source=source, schema=view.schema)


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_a_view_that_tells_the_future_fails_the_snapshot(truth: StoreSettings, tmp_path: Path, view: str) -> None:
    store = store_of(truth, tmp_path / "store", view)
    with pytest.raises(LeakError, match=f"{view} rows in .* are not older than their label"):
        write_snapshot(store, truth, tmp_path / "snapshots", CONFIG)
    assert not (tmp_path / "snapshots" / "latest").exists()


def test_the_same_log_told_in_time_passes(truth: StoreSettings, tmp_path: Path) -> None:
    assert write_snapshot(store_of(truth, tmp_path / "store", None), truth, tmp_path / "snapshots", CONFIG).is_dir()
