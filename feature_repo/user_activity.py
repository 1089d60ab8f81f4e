"""Pure: one more interaction -> what a user did lately. No clock, no Faust, no Feast.

Every update is commutative in the interactions (up to rounding): late and out-of-order events land where they belong.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
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
_COUNTERS = tuple(f"user_actions_{window}" for window in HALF_LIVES)
_OLDEST_KEPT = -(HISTORY_LENGTH - 1)  # where a full history makes room for one more


class Visit(NamedTuple):
    """One entry of a history; ordered by time, ties by item and action so that any arrival order gives one history."""

    timestamp: int  # epoch milliseconds
    item_id: str
    action: int  # ACTION_CODE


class UserActivity(NamedTuple):
    """What the stream knows of a user. Counters are ``(value, at)``: they read as they stood at ``at``."""

    at: int = 0  # epoch milliseconds of the newest interaction
    counts: tuple[tuple[float, ...], ...] = (_ZEROS,) * len(HALF_LIVES)  # [window][action]
    item_ids: tuple[str, ...] = ()  # the history, oldest first, as three columns: a row is made of it at every event
    actions: tuple[int, ...] = ()
    timestamps: tuple[int, ...] = ()
    categories: Mapping[str, float] = {}  # category -> 7-day counter
    session: int = 0  # session_events(timestamps), counted along: a row is made of it at every event

    @property
    def history(self) -> tuple[Visit, ...]:
        """The history as visits, oldest first."""
        return tuple(map(Visit, self.timestamps, self.item_ids, self.actions))


def advance(
    activity: UserActivity, item_id: str, action: str, timestamp: int, categories: Sequence[str] = ()
) -> UserActivity:
    """The activity after one more interaction at ``timestamp`` (epoch milliseconds)."""
    code = ACTION_CODE[action]
    item_ids, actions, timestamps, session = _remember(activity, Visit(timestamp, item_id, code))
    return UserActivity(
        max(activity.at, timestamp),
        advance_counts(activity.counts, activity.at, code - 1, timestamp),
        item_ids,
        actions,
        timestamps,
        _lean(activity.categories, activity.at, categories, timestamp),
        session,
    )


def advance_counts(
    counts: tuple[tuple[float, ...], ...], at: int, action: int, timestamp: int
) -> tuple[tuple[float, ...], ...]:
    """Counters [window][action] that stood at ``at``, one event of ``action`` later, standing at the newer time."""
    advanced = []
    for row, window in zip(counts, _WINDOWS, strict=True):
        if timestamp > at:
            fade = 0.5 ** ((timestamp - at) / window)
            faded, one = list(map(fade.__mul__, row)), 1.0
        else:
            faded, one = list(row), 0.5 ** ((at - timestamp) / window)
        faded[action] += one
        advanced.append(tuple(faded))
    return tuple(advanced)


def without(activity: UserActivity, void: Mapping[str, int]) -> UserActivity:
    """The activity without visits of these items, each up to its time (epoch milliseconds); counters hold no id."""
    kept = [visit for visit in activity.history if visit.timestamp > void.get(visit.item_id, 0)]
    if len(kept) == len(activity.item_ids):
        return activity
    timestamps, item_ids, actions = zip(*kept, strict=True) if kept else ((), (), ())
    return activity._replace(
        item_ids=item_ids, actions=actions, timestamps=timestamps, session=session_events(timestamps)
    )


def _remember(activity: UserActivity, visit: Visit) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...], int]:
    _, _, item_ids, actions, timestamps, _, session = activity
    if visit.action not in HISTORY_ACTIONS:
        return item_ids, actions, timestamps, session
    if timestamps and visit < (timestamps[-1], item_ids[-1], actions[-1]):
        return _remember_late(activity, visit)
    session = session + 1 if timestamps and visit.timestamp - timestamps[-1] <= SESSION_GAP else 1
    return (
        (*item_ids[_OLDEST_KEPT:], visit.item_id),
        (*actions[_OLDEST_KEPT:], visit.action),
        (*timestamps[_OLDEST_KEPT:], visit.timestamp),
        min(session, HISTORY_LENGTH),
    )


def _remember_late(
    activity: UserActivity, visit: Visit
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...], int]:
    history = [*activity.history]
    insort(history, visit)
    timestamps, item_ids, actions = zip(*history[-HISTORY_LENGTH:], strict=True)
    return item_ids, actions, timestamps, session_events(timestamps)


def _lean(affinities: Mapping[str, float], at: int, categories: Sequence[str], timestamp: int) -> Mapping[str, float]:
    fade = weight(timestamp - at, _AFFINITY_WINDOW)
    faded = {category: value * fade for category, value in affinities.items()} if fade < 1 else dict(affinities)
    share = weight(at - timestamp, _AFFINITY_WINDOW) / max(len(categories), 1)
    for category in categories:
        faded[category] = faded.get(category, 0.0) + share
    return strongest(faded)


def strongest(affinities: dict[str, float]) -> dict[str, float]:
    """The CATEGORIES_KEPT strongest of them, or all where there are no more."""
    if len(affinities) <= CATEGORIES_KEPT:
        return affinities
    ranked = sorted(affinities.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(ranked[:CATEGORIES_KEPT])


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
    return {
        "history_item_ids": activity.item_ids,
        "history_actions": activity.actions,
        "history_timestamps": activity.timestamps,
        **dict(zip(_COUNTERS, activity.counts, strict=True)),
        "user_activity_at": activity.at,
        "user_session_events": activity.session,
        "user_categories": tuple(activity.categories),
        "user_category_weights": tuple(activity.categories.values()),
    }


def from_row(row: Mapping[str, Any]) -> UserActivity:
    """The activity a row was made from; a row of an unknown user (``user_activity_at`` missing) is an empty one."""
    if not row.get("user_activity_at"):
        return UserActivity()
    return UserActivity(
        int(row["user_activity_at"]),
        tuple(tuple(map(float, row[name])) for name in _COUNTERS),
        tuple(map(str, row["history_item_ids"])),
        tuple(map(int, row["history_actions"])),
        tuple(map(int, row["history_timestamps"])),
        dict(zip(row["user_categories"], map(float, row["user_category_weights"]), strict=True)),
        int(row["user_session_events"]),
    )
