"""Impressions in the log -> candidates that were shown and passed over, with features from before the request."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from feature_repo.settings import StoreSettings
from tests.training.test_shifted_views import store_of
from tests.training.tiny import BEGIN, HOUR, events, write_log
from training.config import SnapshotConfig
from training.label_columns import read_labels
from training.samples import read_catalogue
from training.snapshot import write_snapshot

CONFIG = SnapshotConfig(validation=0.3, negatives=4, stride=4)
SLATE = ("i0", "i1", "i2", "i7")
ASKED = BEGIN + 100 * HOUR


def slate(user: str, request: str, asked: int, clicked: str) -> pd.DataFrame:
    """Four items shown at a moment; one of them clicked a minute later."""
    rows = [(user, item, "impression", asked, request, place) for place, item in enumerate(SLATE)]
    rows.append((user, clicked, "click", asked + 60_000, request, None))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "action", "timestamp", "request_id", "position"])


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of the shop where two slates were shown after its usual events."""
    settings = StoreSettings(data_dir=tmp_path_factory.mktemp("shown"))
    slates = [slate("u0", "r1", ASKED, "i1"), slate("u1", "r2", ASKED + HOUR, "i7")]
    found = pd.concat([events(), *slates], ignore_index=True)
    write_log(found.astype(object).where(found.notna(), None), settings)
    return write_snapshot(store_of(settings, settings.data_dir / "store", None), settings, settings.data_dir, CONFIG)


def test_what_was_shown_stands_behind_the_sampled(shown: Path) -> None:
    catalogue = read_catalogue(shown)
    users, candidates = read_labels(shown, catalogue, "validation")
    assert candidates["shown"].shape == candidates["candidate_mask"].shape == (len(users["history_rows"]), 5 + 3)
    assert candidates["candidate_mask"][:, :5].all() and not candidates["shown"][:, :5].any()
    assert np.array_equal(candidates["candidate_mask"][:, 5:], candidates["shown"][:, 5:])
    assert candidates["shown"].any(1).sum() == 2
    slates = [[catalogue.ids[row] for row in rows] for rows in candidates["rows"][-2:, 5:]]
    assert slates == [["i0", "i2", "i7"], ["i0", "i1", "i2"]]
    assert not candidates["log_draws"][:, 5:].any()


def test_train_and_validation_are_as_wide(shown: Path) -> None:
    catalogue = read_catalogue(shown)
    widths = {read_labels(shown, catalogue, split)[1]["rows"].shape[1] for split in ("train", "validation")}
    assert widths == {8}


def test_features_are_of_just_before_the_request(shown: Path) -> None:
    label = pq.read_table(shown / "labels.parquet").to_pylist()[-2]
    assert (label["request_id"], label["action"], label["value"]) == ("r1", "click", 1.0)
    assert (label["decided_at"], label["timestamp"]) == (ASKED, ASKED + 60_000)
    assert label["user_activity_at"] < ASKED and not label["user_actions_7d"][0]
    rows = pq.read_table(shown / "candidates.parquet").to_pylist()
    own = [row for row in rows if row["label"] == max(each["label"] for each in rows) - 1]
    assert {row["item_activity_at"] for row in own if row["item_activity_at"]} and all(
        (row["item_activity_at"] or 0) < ASKED for row in own
    )


def test_tensors_are_read_at_the_time_of_the_request(shown: Path) -> None:
    catalogue = read_catalogue(shown)
    users, _ = read_labels(shown, catalogue, "validation")
    label = pq.read_table(shown / "labels.parquet").to_pylist()[-2]
    assert users["history_gaps"][-2, -1] == (ASKED - label["history_timestamps"][-1]) / 1000
