"""The tiny shop in the real feature store: DuckDB offline, SQLite registry."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from tests.training.tiny import TABLES, events, language_model, write_log
from training.config import SnapshotConfig
from training.snapshot import write_snapshot


@pytest.fixture(scope="package")
def settings() -> Iterator[StoreSettings]:
    found = StoreSettings()
    write_log(events(), found)
    yield found
    for table in TABLES:
        shutil.rmtree(found.offline_folder(table), ignore_errors=True)


@pytest.fixture(scope="package")
def store(settings: StoreSettings) -> FeatureStore:
    opened = open_store(settings)
    apply(opened)
    return opened


@pytest.fixture(scope="package")
def snapshot(store: FeatureStore, settings: StoreSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = SnapshotConfig(until="0.8", validation=0.3, negatives=4, stride=4)
    return write_snapshot(store, settings, tmp_path_factory.mktemp("snapshots"), config)


@pytest.fixture(scope="package")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return language_model(tmp_path_factory.mktemp("language"))
