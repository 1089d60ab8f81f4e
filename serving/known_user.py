"""Pure: a user's rows -> what is known of them as people read it: counters as of now, shares, names and UTC times."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from feature_repo.decay import decayed
from feature_repo.inputs import expired, with_defaults
from feature_repo.item_table import ItemTable
from feature_repo.vocabulary import ACTIONS, HALF_LIVES, SESSION_GAP
from serving.user_features import UserRows

LEAST = 0.005  # a smaller count or share is left out: it reads as zero


class Feature(msgspec.Struct, frozen=True):
    """A value and the time of what last changed it."""

    value: Any
    at: str  # ISO 8601, UTC


class Visit(msgspec.Struct, frozen=True):
    """Something a user did; the title is empty where the catalogue has none."""

    item_id: str
    title: str
    action: str
    at: str  # ISO 8601, UTC


class KnownUser(msgspec.Struct, frozen=True):
    """Everything that rankings know of a user, by the names of the features, and the history, newest first."""

    request_id: str
    user_id: str
    read_at: str  # counters are as of then
    expired: bool  # the last sign of life is too long ago: rankings go by the attributes alone
    features: dict[str, Feature]
    history: list[Visit]


def known_user(user_id: str, rows: UserRows, table: ItemTable, now_ms: int) -> KnownUser | None:
    """What the rows say; None where they say nothing."""
    at = int(rows.activity.get("user_activity_at") or 0)
    features = profile_features(rows.profile) | activity_features(rows.activity, now_ms)
    if not features:
        return None
    dated, history = bool(at) and expired(at, now_ms), visits(rows.activity, table)
    return KnownUser(uuid4().hex, user_id, iso(now_ms), dated, features, history)


def profile_features(profile: Mapping[str, Any]) -> dict[str, Feature]:
    """Of a row of ``user_profile``."""
    attributes = list(profile.get("user_attributes") or ())
    stamp = int(profile.get("event_timestamp", 0)) // 1000
    return {"user_attributes": Feature(attributes, iso(stamp))} if attributes else {}


def activity_features(activity: Mapping[str, Any], now_ms: int) -> dict[str, Feature]:
    """Of a row of ``user_activity``, as it reads at ``now_ms``."""
    if not activity.get("user_activity_at"):
        return {}
    row = with_defaults("user_activity", activity)
    at = int(row["user_activity_at"])
    said: dict[str, Any] = {f"user_actions_{name}": counts(row, name, now_ms) for name in HALF_LIVES}
    said["user_categories"] = shares(row)
    said["user_session_events"] = row["user_session_events"] if now_ms - at <= SESSION_GAP else 0
    return {name: Feature(value, iso(at)) for name, value in said.items()}


def counts(row: Mapping[str, Any], window: str, now_ms: int) -> dict[str, float]:
    """Decayed counts by action, those that still count."""
    values = decayed(row[f"user_actions_{window}"], row["user_activity_at"], now_ms, HALF_LIVES[window])
    return rounded(zip(ACTIONS, values.tolist(), strict=True))


def shares(row: Mapping[str, Any]) -> dict[str, float]:
    """The user's attention by category, of 1; the largest first."""
    weights = dict(zip(row["user_categories"], row["user_category_weights"], strict=True))
    total = sum(weights.values()) or 1.0
    return rounded(sorted(((name, value / total) for name, value in weights.items()), key=lambda pair: -pair[1]))


def visits(activity: Mapping[str, Any], table: ItemTable) -> list[Visit]:
    """The history, newest first."""
    row = with_defaults("user_activity", activity)
    met = zip(row["history_item_ids"], row["history_actions"], row["history_timestamps"], strict=True)
    return [Visit(item_id, title(item_id, table), ACTIONS[action - 1], iso(at)) for item_id, action, at in met][::-1]


def title(item_id: str, table: ItemTable) -> str:
    """The item's title, "" where it is not known."""
    place = table.index.get(item_id)
    return "" if place is None else table.titles[place]


def iso(epoch_ms: int) -> str:
    """Epoch milliseconds -> ISO 8601, UTC."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rounded(pairs: Any) -> dict[str, float]:
    return {name: round(value, 2) for name, value in pairs if value >= LEAST}
