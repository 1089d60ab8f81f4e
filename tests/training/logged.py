"""Logged rankings made of what history knows, as a faithful server would have logged them."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from feature_repo.rankings import STAMP, LoggedRanking, packed, raw
from training.hindsight import Known


def asked(user_id: str, item_ids: Sequence[str], instant: int, stamps: Mapping[str, int]) -> LoggedRanking:
    """Who is ranked for whom and when (epoch microseconds), of rows with these stamps; nothing seen yet."""
    of_items = {view: raw(np.full(len(item_ids), stamps[view]), STAMP) for view in ("item_content", "item_activity")}
    return LoggedRanking(
        request_id="r-1",
        user_id=user_id,
        instant=instant,
        model_version="m",
        slate=list(item_ids),
        item_ids=list(item_ids),
        scores=raw(np.zeros(len(item_ids)), "<f4"),
        tensors={},
        history_item_ids=[],
        user_stamps={view: stamps[view] for view in ("user_profile", "user_activity")},
        item_stamps=of_items,
    )


def faithful(ranking: LoggedRanking, known: Known) -> LoggedRanking:
    """The same, having seen what is known."""
    seen = {"tensors": packed(known.tensors), "history_item_ids": known.history_item_ids}
    return msgspec.structs.replace(ranking, **seen)


def planted(ranking: LoggedRanking, name: str, row: int, by: float) -> LoggedRanking:
    """The same with one number of a feature changed."""
    values = ranking.tensor(name).copy()
    values.reshape(len(values), -1)[row, 0] += by
    return msgspec.structs.replace(ranking, tensors={**ranking.tensors, name: values.tobytes()})
