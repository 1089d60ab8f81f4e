"""Opening the store while other processes write the registry."""

from pathlib import Path

import pytest
from feast import FeatureStore
from sqlalchemy.exc import OperationalError

from feature_repo import store
from feature_repo.settings import StoreSettings


def taken(times: int, monkeypatch: pytest.MonkeyPatch) -> list[FeatureStore]:
    """The registry is being written by somebody else, so many times; returns the stores that tried."""
    tried: list[FeatureStore] = []

    def apply(opened: FeatureStore) -> None:
        tried.append(opened)
        if len(tried) <= times:
            raise OperationalError("CREATE TABLE", None, Exception("the table exists already"))

    monkeypatch.setattr(store, "apply", apply)
    monkeypatch.setattr(store.time, "sleep", lambda seconds: None)
    return tried


def test_a_registry_that_another_process_writes_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = taken(2, monkeypatch)
    assert store.open_applied(StoreSettings(data_dir=tmp_path)) is tried[2]


def test_a_registry_that_cannot_be_written_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = taken(9, monkeypatch)
    with pytest.raises(OperationalError, match="exists already"):
        store.open_applied(StoreSettings(data_dir=tmp_path), attempts=3)
    assert len(tried) == 3
