"""A history on its way in -> the same without what is forgotten: a backfill must not bring anybody back."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.erasure import Erasures
from feature_repo.features import item_activity, user_activity
from feature_repo.online import Row

NEVER = -(2**63)


def events(batches: Iterator[Any], erasures: Erasures) -> Iterator[Any]:
    """Record batches of ``columns.EVENTS`` without what happened until its user, or its item, was forgotten."""
    for batch in batches:
        void = _void(batch, "entity", user_activity.name, erasures) | _void(
            batch, "item_id", item_activity.name, erasures
        )
        yield batch.filter(pa.array(~void)) if void.any() else batch


def rows(view: str, found: Sequence[Row], erasures: Erasures) -> list[Row]:
    """Rows of the catalogue without those from before their item or user was forgotten."""
    marks = erasures.marks(view, {row.entity_id for row in found})
    return [row for row in found if row.entity_id not in marks or row.stamp > marks[row.entity_id].until]


def _void(batch: Any, column: str, view: str, erasures: Erasures) -> npt.NDArray[np.bool_]:
    encoded = batch.column(column).dictionary_encode()
    ids = encoded.dictionary.to_pylist()
    marks = erasures.marks(view, ids)
    if not marks:
        return np.zeros(len(batch), bool)
    before = np.array([marks[each].before if each in marks else NEVER for each in ids], np.int64)
    limits = before[encoded.indices.to_numpy(zero_copy_only=False)]
    return np.asarray(pc.less_equal(batch.column("timestamp"), pa.array(limits)).to_numpy(zero_copy_only=False), bool)
