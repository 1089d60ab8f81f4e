"""Logged rankings -> the same tensors, made of what Feast's history knows: of the decision's time, or of the rows seen.

The rows come by the point-in-time join that snapshots are made with, the tensors from feature_repo.inputs.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import numpy.typing as npt
import pandas as pd
from feast import FeatureStore

from feature_repo.inputs import item_inputs, unexpired, user_affinity, user_inputs
from feature_repo.item_table import ItemTable
from feature_repo.rankings import LoggedRanking
from feature_repo.vocabulary import HISTORY_LENGTH
from training.joins import chunked, features_of

Array = npt.NDArray[Any]
Row = Mapping[str, Any]
CHUNK = 20_000  # rows of one join

FEATURES = {
    "user_profile": features_of("user_profile"),
    "user_activity": features_of("user_activity"),
    "item_content": ["item_content:item_categories", "item_content:item_published_at"],  # no texts: no vectors are made
    "item_activity": features_of("item_activity"),
}


class Known(NamedTuple):
    """What history knows of one ranking."""

    tensors: Mapping[str, Array]
    history_item_ids: list[str]
    newest: Mapping[str, Array]  # activity view -> epoch milliseconds of the newest event, [1] or [N]; 0 where none


def at_decision(store: FeatureStore, rankings: Sequence[LoggedRanking]) -> list[Known]:
    """What was known at the instant of each ranking."""
    return _known(store, rankings, lambda ranking, view: np.full(len(ranking.stamps(view)), ranking.instant))


def at_stamps(store: FeatureStore, rankings: Sequence[LoggedRanking]) -> list[Known]:
    """What was known at the stamps of the rows that each ranking was made of: those rows, if history has them."""
    return _known(store, rankings, lambda ranking, view: ranking.stamps(view))


def _known(
    store: FeatureStore, rankings: Sequence[LoggedRanking], times: Callable[[LoggedRanking, str], Array]
) -> list[Known]:
    if not rankings:
        return []
    rows = {view: _rows(store, rankings, view, times) for view in FEATURES}
    return [_one(ranking, *(rows[view][place] for view in FEATURES)) for place, ranking in enumerate(rankings)]


def _rows(
    store: FeatureStore,
    rankings: Sequence[LoggedRanking],
    view: str,
    times: Callable[[LoggedRanking, str], Array],
) -> list[list[Row]]:
    """The rows of a view, of each ranking; a missing one is empty."""
    of_users = view.startswith("user")
    ids = [[ranking.user_id] if of_users else ranking.item_ids for ranking in rankings]
    stamps = np.concatenate([times(ranking, view) for ranking in rankings])
    asked = pd.DataFrame(
        {
            "user_id" if of_users else "item_id": [entity_id for some in ids for entity_id in some],
            "event_timestamp": pd.to_datetime(stamps, unit="us", utc=True).astype("datetime64[us, UTC]"),
        }
    )
    names = [feature.partition(":")[2] for feature in FEATURES[view]]
    found = [row for table in chunked(store, asked, FEATURES[view], CHUNK, view) for row in table.to_pylist()]
    present = ({name: row[name] for name in names if row[name] is not None} for row in found)
    return [list(islice(present, len(some))) for some in ids]


def _one(
    ranking: LoggedRanking, profile: list[Row], activity: list[Row], contents: list[Row], activities: list[Row]
) -> Known:
    now_ms, table = ranking.instant // 1000, ItemTable()
    for item_id, content, its_activity in zip(ranking.item_ids, contents, activities, strict=True):
        table.put_content(item_id, content)
        table.put_activity(item_id, its_activity)
    user = unexpired(activity[0], now_ms)
    items = table.take(table.rows(ranking.item_ids))
    affinity = user_affinity(user, table.category_codes, len(table.category_codes) + 1)
    tensors = user_inputs(profile[0], user, now_ms, table.vectors, ranking.context)
    tensors |= item_inputs(items, affinity, now_ms)
    newest = {
        "user_activity": np.array([user.get("user_activity_at", 0)], np.int64),
        "item_activity": items["item_activity_at"],
    }
    return Known(tensors, list(user.get("history_item_ids", ()))[-HISTORY_LENGTH:], newest)
