"""data/snapshots/<id>/windows.parquet -> what users did, as sequences to learn from.

Made from whole columns: a data set has a window for every few labels of a user.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.inputs import hour_of, weekday_of
from feature_repo.vocabulary import ACTION_CODE, HISTORY_LENGTH
from training.columns import right_aligned
from training.samples import Catalogue
from training.user_columns import rows_of, user_attributes

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


def read_windows(snapshot: Path, catalogue: Catalogue, split: str) -> Arrays:
    """History windows [n, L], the newest entry last.

    ``history_rows`` (of the catalogue plus one, 0 where unknown), ``history_actions`` (0 pads), ``history_gaps``
    (seconds before the newest entry), ``history_order`` (rises with time, equal for entries of one moment),
    ``request_hour`` and ``request_weekday`` of each entry, ``fresh`` where an entry teaches; and ``user_attributes``
    [n, ATTRIBUTES].
    """
    actions = json.loads((snapshot / "snapshot.json").read_text())["config"]["actions"].split(",")
    table = pq.read_table(snapshot / "windows.parquet", filters=[("split", "==", split)])
    table = table.filter(pc.greater(pc.fill_null(table.column("user_activity_at"), 0), 0))
    codes, _ = right_aligned(table.column("history_actions"), HISTORY_LENGTH)
    times, _ = right_aligned(table.column("history_timestamps"), HISTORY_LENGTH)
    rows, _ = right_aligned(rows_of(table.column("history_item_ids"), catalogue.index), HISTORY_LENGTH)
    now = np.asarray(table.column("user_activity_at"))[:, None]
    windows = {
        "history_rows": rows,
        "history_actions": codes,
        "history_gaps": np.where(codes > 0, np.maximum(now - times, 0) / 1000, 0.0).astype(np.float32),
        "history_order": np.cumsum(np.diff(times, axis=1, prepend=0) > 0, 1),
        "request_hour": hour_of(times).astype(np.float32),
        "request_weekday": weekday_of(times).astype(np.float32),
        "user_attributes": user_attributes(table),
    }
    labels = np.isin(codes, [ACTION_CODE[action] for action in actions]) & (rows > 0)
    return windows | {"fresh": fresh(labels, np.asarray(table.column("fresh")))}


def fresh(labels: Array, counts: Array) -> Array:
    """The newest ``counts`` [n] of the labels [n, L], but for the first entry: nothing comes before it."""
    newest_first = np.cumsum(labels[:, ::-1], 1)[:, ::-1]
    taught: Array = labels & (newest_first <= counts[:, None])
    taught[:, 0] = False
    return taught
