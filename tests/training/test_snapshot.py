import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from feature_repo.settings import StoreSettings
from training.config import SnapshotConfig
from training.label_columns import read_labels
from training.log import EmptyLog, end_of, interactions
from training.samples import read_catalogue
from training.snapshot import labels_of, latest, windows_of


def events(*times: int, action: str = "click") -> pd.DataFrame:
    stamps = pd.to_datetime(pd.Series(times), unit="ms", utc=True)
    found = pd.DataFrame({"user_id": "u", "item_id": "i", "action": action, "timestamp": times})
    return found.assign(event_timestamp=stamps)


def test_the_newest_labels_are_for_validation() -> None:
    labels, cutoffs = labels_of(events(*range(10)), SnapshotConfig(validation=0.2))
    assert labels.split.tolist() == ["train"] * 8 + ["validation"] * 2
    assert cutoffs == {"until_ms": 9, "validation_after_ms": 7}


def test_what_is_not_a_label_does_not_count() -> None:
    with pytest.raises(EmptyLog, match="backfill"):
        labels_of(events(1, 2, action="impression"), SnapshotConfig())


def test_the_end_is_a_time_or_a_quantile() -> None:
    times = pd.Series([0, 10, 20, 30, 40])
    assert end_of(times, "0.5") == 20
    assert end_of(times, "1970-01-01T00:00:00.015Z") == end_of(times, "1970-01-01T00:00:00.015") == 15


def test_windows_end_at_the_newest_label_and_teach_each_label_once() -> None:
    labels, _ = labels_of(events(*range(20)), SnapshotConfig(validation=0.5))
    windows = windows_of(labels, stride=4)
    assert windows.event_timestamp.astype("int64").max() // 1_000_000 in (19, 19_000)
    assert windows.groupby("split").fresh.sum().to_dict() == {"train": 10, "validation": 10}
    assert windows.fresh.max() == 4


def test_the_snapshot_says_what_it_holds(snapshot: Path) -> None:
    metadata = json.loads((snapshot / "snapshot.json").read_text())
    assert metadata["snapshot_id"] == snapshot.name
    assert metadata["rows"]["candidates"] == 5 * metadata["rows"]["labels"]
    assert metadata["rows_checked_for_leaks"] > 0 and metadata["rows"]["items"] == 12
    assert latest(snapshot.parent) == snapshot


def test_nothing_after_the_cutoff_is_in_it(snapshot: Path, settings: StoreSettings) -> None:
    until = json.loads((snapshot / "snapshot.json").read_text())["until_ms"]
    assert interactions(settings).timestamp.max() > until
    assert max(pq.read_table(snapshot / "labels.parquet").column("timestamp").to_pylist()) <= until


def test_the_samples_have_one_row_per_label_and_the_positive_first(snapshot: Path) -> None:
    catalogue = read_catalogue(snapshot)
    labels = pq.read_table(snapshot / "labels.parquet", filters=[("split", "==", "validation")]).to_pylist()
    users, candidates = read_labels(snapshot, catalogue, "validation")
    assert [catalogue.ids[row] for row in candidates["rows"][:, 0]] == [label["item_id"] for label in labels]
    assert candidates["item_actions_7d"].shape == (len(labels), 5, 8)
    assert users["history_rows"].shape == (len(labels), 64) and users["history_rows"].max() <= 12
    assert not candidates["shown"].any() and candidates["candidate_mask"].all()
    assert np.isfinite(np.concatenate([array.ravel() for array in (users | candidates).values()])).all()


def test_affinity_is_that_of_the_labels_own_user(snapshot: Path) -> None:
    catalogue = read_catalogue(snapshot)
    labels = pq.read_table(snapshot / "labels.parquet", filters=[("split", "==", "train")]).to_pylist()
    _, candidates = read_labels(snapshot, catalogue, "train")
    met = np.array([bool(label["user_categories"]) for label in labels])
    groups = np.array([int(item_id[1:]) // 6 for item_id in catalogue.ids])
    own = groups[candidates["rows"]] == np.array([[int(label["user_id"][1:]) % 2] for label in labels])
    assert np.array_equal(candidates["user_item_affinity"], (own & met[:, None]).astype(np.float32))
