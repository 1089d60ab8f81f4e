"""Labels -> candidates.parquet: the positive, the drawn and what was shown beside it, with the activity of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from feast import FeatureStore

from training.config import SnapshotConfig
from training.joins import JUST_BEFORE, features_of, joined, write_joined
from training.negatives import draw, proposal

Array = npt.NDArray[Any]


def write_candidates(
    store: FeatureStore,
    scratch: Path,
    labels: pd.DataFrame,
    train: pd.DataFrame,
    shown: pd.DataFrame,
    config: SnapshotConfig,
) -> None:
    """Rows by label: the positive first, then the drawn, then ``shown``; a row is of just before ``decided_at``."""
    ids = pd.Index(pq.read_table(scratch / "items.parquet", columns=["item_id"]).column("item_id").to_pylist())
    counts = np.bincount(ids.get_indexer(train.item_id), minlength=len(ids))
    drawn = draw(ids.get_indexer(labels.item_id), proposal(counts, config.popular), config.negatives, config.seed)
    passed = shown.label.to_numpy(np.int64), ids.get_indexer(shown.item_id)
    # By the time of the event, not by its user's stamp: among events of one moment that is later than the row which the
    # label itself wrote to its item.
    times = pd.to_datetime(labels.decided_at, unit="ms", utc=True).astype("datetime64[us, UTC]")
    parts = _asked(ids, drawn, passed, times, config.chunk)
    total = drawn[0].size + len(shown)
    tables = joined(store, parts, features_of("item_activity"), total, "candidates", as_written=config.as_written)
    write_joined(scratch / "candidates.parquet", tables)


def _asked(
    ids: pd.Index, drawn: tuple[Array, Array], passed: tuple[Array, Array], times: pd.Series, chunk: int
) -> Iterator[pd.DataFrame]:
    """What to ask for some labels at a time, about ``chunk`` rows."""
    (rows, log_draws), (of, beside) = drawn, passed
    width = rows.shape[1]
    step = max(chunk // width, 1)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        first, last = np.searchsorted(of, [start, start + step])
        label = np.concatenate([np.arange(len(rows))[part].repeat(width), of[first:last]])
        order = np.argsort(label, kind="stable")
        stamps = times.iloc[label[order]].reset_index(drop=True)
        yield pd.DataFrame(
            {
                "label": label[order],
                "item_id": ids.to_numpy()[np.concatenate([rows[part].ravel(), beside[first:last]])[order]],
                "log_draws": np.concatenate([log_draws[part].ravel(), np.zeros(last - first, np.float32)])[order],
                "shown": (np.arange(len(label)) >= rows[part].size)[order],
                "label_stamp": stamps,
                "event_timestamp": stamps - JUST_BEFORE,
            }
        )
