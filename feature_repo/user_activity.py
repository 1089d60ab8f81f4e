"""Pure: one more interaction -> what a user did lately. No clock, no Faust, no Feast.

Every update is commutative in the interactions (up to rounding): late and out-of-order events land where they belong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from feature_repo.decay import weight
from feature_repo.vocabulary import (
    ACTION_CODE,
    ACTIONS,
    CATEGORIES_KEPT,
    HALF_LIVES,
    HISTORY_ACTIONS,
    HISTORY_LENGTH,
    SESSION_GAP,
)

_WINDOWS = tuple(HALF_LIVES.values())
_AFFINITY_WINDOW = HALF_LIVES["7d"]
_ZEROS = (0.0,) * len(ACTIONS)


class Visit(NamedTuple):
    """One entry of a history; ordered by time, ties by item and action so that any arrival order gives one history."""

    timestamp: int  # epoch milliseconds
    item_id: str
    action: int  # ACTION_CODE


@dataclass(frozen=True, slots=True)
class UserActivity:
    """What the stream knows of a user. Counters are ``(value, at)``: they read as they stood at ``at``."""

    at: int = 0  # epoch milliseconds of the newest interaction
    counts: tuple[tuple[float, ...], ...] = (_ZEROS,) * len(HALF_LIVES)  # [window][action]
    item_ids: tuple[str, ...] = ()  # the history, oldest first, as three columns: a row is made of it at every event
    actions: tuple[int, ...] = ()
    timestamps: tuple[int, ...] = ()
    categories: Mapping[str, float] = field(default_factory=dict)  # category -> 7-day counter

    @property
    def history(self) -> tuple[Visit, ...]:
        """The history as visits, oldest first."""
        return tuple(map(Visit, self.timestamps, self.item_ids, self.actions))


def advance(
    activity: UserActivity, item_id: str, action: str, timestamp: int, categories: Sequence[str] = ()
) -> UserActivity:
    """The activity after one more interaction at ``timestamp`` (epoch milliseconds)."""
    code = ACTION_CODE[action]
    return UserActivity(
        max(activity.at, timestamp),
        advance_counts(activity.counts, activity.at, code - 1, timestamp),
        *_remember(activity, Visit(timestamp, item_id, code)),
        _lean(activity.categories, activity.at, categories, timestamp),
    )


def advance_counts(
    counts: tuple[tuple[float, ...], ...], at: int, action: int, timestamp: int
) -> tuple[tuple[float, ...], ...]:
    """Counters [window][action] that stood at ``at``, one event of ``action`` later, standing at the newer time."""
    advanced = []
    for row, window in zip(counts, _WINDOWS, strict=True):
        if timestamp > at:
            fade = 0.5 ** ((timestamp - at) / window)
            faded, one = [value * fade for value in row], 1.0
        else:
            faded, one = list(row), 0.5 ** ((at - timestamp) / window)
        faded[action] += one
        advanced.append(tuple(faded))
    return tuple(advanced)


def _remember(activity: UserActivity, visit: Visit) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    item_ids, actions, timestamps = activity.item_ids, activity.actions, activity.timestamps
    if visit.action not in HISTORY_ACTIONS:
        return item_ids, actions, timestamps
    place = len(timestamps)
    while place and visit < (timestamps[place - 1], item_ids[place - 1], actions[place - 1]):
        place -= 1  # a late visit is seldom very late
    kept = slice(-HISTORY_LENGTH, None)
    return (
        (*item_ids[:place], visit.item_id, *item_ids[place:])[kept],
        (*actions[:place], visit.action, *actions[place:])[kept],
        (*timestamps[:place], visit.timestamp, *timestamps[place:])[kept],
    )


def _lean(affinities: Mapping[str, float], at: int, categories: Sequence[str], timestamp: int) -> Mapping[str, float]:
    fade = weight(timestamp - at, _AFFINITY_WINDOW)
    faded = {category: value * fade for category, value in affinities.items()} if fade < 1 else dict(affinities)
    share = weight(at - timestamp, _AFFINITY_WINDOW) / max(len(categories), 1)
    for category in categories:
        faded[category] = faded.get(category, 0.0) + share
    if len(faded) <= CATEGORIES_KEPT:
        return faded
    strongest = sorted(faded.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(strongest[:CATEGORIES_KEPT])


def session_events(timestamps: Sequence[int]) -> int:
    """How many interactions the session that holds the newest one has so far; times are epoch ms, oldest first."""
    newer = timestamps[-1] if timestamps else 0
    for count, older in enumerate(reversed(timestamps)):
        if newer - older > SESSION_GAP:
            return count
        newer = older
    return len(timestamps)


def to_row(activity: UserActivity) -> dict[str, Any]:
    """The columns of the Feast view ``user_activity`` (all but its ledger)."""
    windows = dict(zip(HALF_LIVES, activity.counts, strict=True))
    return {
        "history_item_ids": list(activity.item_ids),
        "history_actions": list(activity.actions),
        "history_timestamps": list(activity.timestamps),
        **{f"user_actions_{window}": list(counts) for window, counts in windows.items()},
        "user_activity_at": activity.at,
        "user_session_events": session_events(activity.timestamps),
        "user_categories": list(activity.categories),
        "user_category_weights": list(activity.categories.values()),
    }


def from_row(row: Mapping[str, Any]) -> UserActivity:
    """The activity a row was made from; a row of an unknown user (``user_activity_at`` missing) is an empty one."""
    if not row.get("user_activity_at"):
        return UserActivity()
    return UserActivity(
        int(row["user_activity_at"]),
        tuple(tuple(map(float, row[f"user_actions_{window}"])) for window in HALF_LIVES),
        tuple(map(str, row["history_item_ids"])),
        tuple(map(int, row["history_actions"])),
        tuple(map(int, row["history_timestamps"])),
        dict(zip(row["user_categories"], map(float, row["user_category_weights"]), strict=True)),
    )
