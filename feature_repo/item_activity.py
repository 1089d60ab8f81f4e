"""Pure: one more interaction -> what lately happened to an item. No clock, no Faust, no Feast."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from feature_repo.user_activity import advance_counts
from feature_repo.vocabulary import ACTION_CODE, ACTIONS, CTR_PRIOR, HALF_LIVES

_CLICK, _IMPRESSION = ACTIONS.index("click"), ACTIONS.index("impression")
_WEEK = list(HALF_LIVES).index("7d")
_COUNTERS = tuple(f"item_actions_{window}" for window in HALF_LIVES)


class ItemActivity(NamedTuple):
    """Decayed counters of an item, as they stood at ``at``."""

    at: int = 0  # epoch milliseconds of the newest interaction
    counts: tuple[tuple[float, ...], ...] = ((0.0,) * len(ACTIONS),) * len(HALF_LIVES)  # [window][action]


def advance(activity: ItemActivity, action: str, timestamp: int) -> ItemActivity:
    """The activity after one more interaction at ``timestamp`` (epoch milliseconds)."""
    counts = advance_counts(activity.counts, activity.at, ACTION_CODE[action] - 1, timestamp)
    return ItemActivity(max(activity.at, timestamp), counts)


def smoothed_ctr(clicks: float, impressions: float) -> float:
    """Clicks per impression with a prior, so that an item nobody saw has the prior's rate."""
    return (clicks + CTR_PRIOR[0]) / (max(impressions, clicks) + CTR_PRIOR[1])


def to_row(activity: ItemActivity) -> dict[str, Any]:
    """The columns of the Feast view ``item_activity`` (all but its ledger)."""
    week = activity.counts[_WEEK]
    return {
        **dict(zip(_COUNTERS, activity.counts, strict=True)),
        "item_activity_at": activity.at,
        "item_ctr_7d": smoothed_ctr(week[_CLICK], week[_IMPRESSION]),
    }


def from_row(row: Mapping[str, Any]) -> ItemActivity:
    """The activity a row was made from; a row of an unknown item is an empty one."""
    if not row.get("item_activity_at"):
        return ItemActivity()
    counts = (tuple(map(float, row[name])) for name in _COUNTERS)
    return ItemActivity(int(row["item_activity_at"]), tuple(counts))
