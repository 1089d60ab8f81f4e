"""A user's row -> what they met, as rows of the item table: what every personal source begins with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.inputs import unexpired
from feature_repo.item_table import ItemTable
from feature_repo.vocabulary import HISTORY_LENGTH

Array = npt.NDArray[Any]


class Met(NamedTuple):
    """A history of m entries, the newest last; items that the table does not know are left out."""

    rows: Array  # [m] of the item table
    actions: Array  # [m] ACTION_CODE
    timestamps: Array  # [m] epoch milliseconds


def met(activity: Mapping[str, Any], table: ItemTable, now_ms: int) -> Met:
    """What a row of ``user_activity`` remembers; nothing where there is none or it is past its TTL."""
    row = unexpired(activity, now_ms)
    rows = table.rows(list(row.get("history_item_ids") or ())[-HISTORY_LENGTH:])
    actions = np.asarray(row.get("history_actions") or (), np.int64)[-HISTORY_LENGTH:]
    timestamps = np.asarray(row.get("history_timestamps") or (), np.int64)[-HISTORY_LENGTH:]
    known = rows >= 0
    return Met(rows[known], actions[known], timestamps[known])
