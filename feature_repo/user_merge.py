"""Pure: two activities -> the one that all their interactions together would have led to."""

from collections.abc import Mapping

from feature_repo.decay import weight
from feature_repo.user_activity import UserActivity, session_events, strongest
from feature_repo.vocabulary import HALF_LIVES, HISTORY_LENGTH


def merge(one: UserActivity, other: UserActivity) -> UserActivity:
    """What one user would have done who did both.

    Exact up to rounding, but for categories that an activity with more than CATEGORIES_KEPT of them had let go.
    """
    at = max(one.at, other.at)
    history = sorted((*one.history, *other.history))[-HISTORY_LENGTH:]
    timestamps, item_ids, actions = zip(*history, strict=True) if history else ((), (), ())
    counts = zip(_faded_counts(one, at), _faded_counts(other, at), strict=True)
    return UserActivity(
        at,
        tuple(tuple(mine + theirs for mine, theirs in zip(*rows, strict=True)) for rows in counts),
        item_ids,
        actions,
        timestamps,
        strongest(_added(_faded(one.categories, at - one.at), _faded(other.categories, at - other.at))),
        session_events(timestamps),
    )


def _faded(affinities: Mapping[str, float], age_ms: int) -> dict[str, float]:
    fade = weight(age_ms, HALF_LIVES["7d"])
    return {category: value * fade for category, value in affinities.items()}


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {category: one.get(category, 0.0) + other.get(category, 0.0) for category in (*one, *other)}


def _faded_counts(activity: UserActivity, at: int) -> list[list[float]]:
    fades = [weight(at - activity.at, window) for window in HALF_LIVES.values()]
    return [[value * fade for value in row] for row, fade in zip(activity.counts, fades, strict=True)]
