"""offline log -> labels with the features that were known just before them -> data/snapshots/<id>/

``labels.parquet``      the newest labels with their user's features and a split: train or validation, cut in time
``candidates.parquet``  1 + negatives rows per label, in its order, the positive first, with the item's activity; behind
                        them what was shown in the request the label cites and passed over (``shown``)
``windows.parquet``     histories of users at every ``stride``-th label: what they did, as sequences to learn from
``items.parquet``       the catalogue as it stood at the cutoff
``queries.parquet``     what users had typed when they made the labels up to the cutoff, each text once
``snapshot.json``       id, cutoffs, counts, configuration
"""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureStore

from feature_repo.bundle import signature
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.candidates import write_candidates
from training.command_line import command
from training.config import SnapshotConfig, add_flags, from_flags
from training.digest import digest
from training.joins import JUST_BEFORE, chunked, features_of, states, write_joined
from training.leak import check_no_leak
from training.log import EmptyLog, end_of, entities, interactions
from training.queries import write_queries
from training.requests import decided, passed_over
from training.settings import TrainingSettings

WIDE = 4  # histories are about this many times as heavy as counters
EXAMPLES = """examples:
  python -m training.snapshot
  python -m training.snapshot --until 2026-11-01T00:00:00Z --max-labels 100000 --actions click,purchase
"""


def labels_of(found: pd.DataFrame, config: SnapshotConfig) -> tuple[pd.DataFrame, dict[str, int]]:
    """The labels up to the cutoff, oldest first, with their split; and the cutoffs in epoch milliseconds."""
    labels = found[found.action.isin(config.actions.split(","))]
    if labels.empty:
        raise EmptyLog(f"no interaction in the log is a label ({config.actions}): run: python -m streaming.backfill")
    until = end_of(labels.timestamp, config.until)
    labels = labels[labels.timestamp <= until].reset_index(drop=True)
    validation = end_of(labels.timestamp, str(1 - config.validation))
    labels["split"] = np.where(labels.timestamp <= validation, "train", "validation")
    return labels, {"until_ms": until, "validation_after_ms": validation}


def windows_of(labels: pd.DataFrame, stride: int) -> pd.DataFrame:
    """When to look at whose history: at every ``stride``-th label of a user and split, counted from the newest.

    ``fresh`` is how many labels there are since the window before, which is what the window is there to teach.
    """
    places = labels.groupby(["user_id", "split"])
    older, newer = places.cumcount(), places.cumcount(ascending=False)
    windows = labels.loc[newer % stride == 0, ["user_id", "event_timestamp", "split"]]
    return windows.assign(fresh=np.minimum(older + 1, stride)).reset_index(drop=True)


def write_snapshot(store: FeatureStore, settings: StoreSettings, folder: Path, config: SnapshotConfig) -> Path:
    """Join a snapshot, check it for leaks and write it to ``folder/<id>``; returns that path."""
    found = interactions(settings)
    labels, cutoffs = labels_of(found, config)
    found = found[found.timestamp <= cutoffs["until_ms"]]
    scratch = folder / ".writing"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    _write_items(store, settings, scratch, cutoffs["until_ms"])
    _write_windows(store, scratch, windows_of(labels, config.stride), config)
    write_queries(scratch, labels.context)
    chosen = decided(labels[-config.max_labels :].reset_index(drop=True), found)
    _write_labels(store, scratch, chosen, config)
    shown = passed_over(chosen, found, config.shown)
    write_candidates(store, scratch, chosen, labels[labels.split == "train"], shown, config)
    checked = check_no_leak(scratch, settings)
    counts = {path.stem: pq.read_metadata(path).num_rows for path in sorted(scratch.glob("*.parquet"))}
    metadata = {"snapshot_id": digest(scratch), **cutoffs, "all_labels": len(labels), "rows": counts}
    metadata |= {"rows_checked_for_leaks": checked, "config": asdict(config), "tensors": signature()}
    (scratch / "snapshot.json").write_text(json.dumps(metadata, indent=1) + "\n")
    target = folder / str(metadata["snapshot_id"])
    for trained in target.glob("sasrec-*"):  # hours of work on these very rows
        trained.replace(scratch / trained.name)
    shutil.rmtree(target, ignore_errors=True)
    scratch.replace(target)
    (folder / "latest").write_text(target.name)
    return target


def latest(folder: Path) -> Path:
    """The newest snapshot of a folder; raises EmptyLog when there is none."""
    if not (folder / "latest").exists():
        raise EmptyLog(f"there is no snapshot in {folder}: run: python -m training.snapshot")
    return folder / (folder / "latest").read_text()


def _write_items(store: FeatureStore, settings: StoreSettings, scratch: Path, until_ms: int) -> None:
    ids = entities(settings, "item_id", ("item_content", "interactions"))
    rows = states(store, "item_id", ids, until_ms, "item_content")
    pq.write_table(pa.Table.from_pylist(rows), scratch / "items.parquet")


def _write_windows(store: FeatureStore, scratch: Path, asked: pd.DataFrame, config: SnapshotConfig) -> None:
    names = [f"user_activity:history_{part}" for part in ("item_ids", "actions", "timestamps")]
    names += ["user_activity:user_activity_at", *features_of("user_profile")]
    _write(scratch / "windows.parquet", store, asked, names, config)


def _write_labels(store: FeatureStore, scratch: Path, labels: pd.DataFrame, config: SnapshotConfig) -> None:
    asked = labels.drop(columns="position").assign(label_stamp=labels.event_timestamp)
    asked["event_timestamp"] -= JUST_BEFORE
    _write(scratch / "labels.parquet", store, asked, features_of("user_profile", "user_activity"), config)


def _write(path: Path, store: FeatureStore, asked: pd.DataFrame, features: list[str], config: SnapshotConfig) -> None:
    chunk = max(config.chunk // WIDE, 1)
    write_joined(path, chunked(store, asked, features, chunk, path.stem, as_written=config.as_written))


def main(arguments: list[str] | None = None) -> None:
    parser = command("snapshot", __doc__, EXAMPLES)
    add_flags(parser, SnapshotConfig)
    config = from_flags(SnapshotConfig, parser.parse_args(arguments))
    settings = StoreSettings()
    try:
        path = write_snapshot(open_store(settings), settings, TrainingSettings().snapshots, config)
    except EmptyLog as error:
        sys.exit(str(error))
    print((path / "snapshot.json").read_text().split('"config"')[0].rstrip().rstrip(",") + f"\n}}\n-> {path}")


if __name__ == "__main__":
    main()
