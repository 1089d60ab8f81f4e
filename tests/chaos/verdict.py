"""the stores after the chaos -> how they differ from a plain Python loop over the distinct events."""

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from feast import FeatureStore

from feature_repo import features, item_activity, user_activity
from feature_repo.item_activity import ItemActivity
from feature_repo.online import OnlineRows, Row
from feature_repo.user_activity import UserActivity
from streaming.events import Interaction
from streaming.replay import Letter
from tests.chaos.plan import Plan, Poison
from tests.chaos.sender import Place

AT_ONCE = 2_000  # rows read in one batch
SHOWN = 5


def users_off(store: FeatureStore, plan: Plan, events: Sequence[Interaction]) -> list[str]:
    """Users whose row is not that of the loop: to the last bit, since their events came in this very order.

    A user with merged sessions has what they did as well, in whatever order it came; such a session has nothing left.
    """
    categories = {item.item_id: item.categories for item in plan.items}
    wanted: dict[str, UserActivity] = dict.fromkeys(plan.owners, UserActivity())
    for event in events:
        user = plan.owners.get(event.key, event.key)
        before, when = wanted.get(user, UserActivity()), event.timestamp
        wanted[user] = user_activity.advance(before, event.item_id, event.action, when, categories[event.item_id])  # type: ignore[arg-type]
    rows, merged = _read(OnlineRows(store, features.user_activity), list(wanted)), set(plan.owners.values())
    return [
        f"user {user}: {_counted(rows.get(user), 'user')} instead of {sum(activity.counts[-1]):.6f}"
        for user, activity in wanted.items()
        if user not in rows or not _same_user(user_activity.from_row(rows[user].values), activity, user in merged)
    ]


def items_off(store: FeatureStore, events: Sequence[Interaction]) -> list[str]:
    """Items whose row is not that of the loop, up to the rounding of another order among partitions."""
    wanted: dict[str, ItemActivity] = {}
    for event in events:
        before = wanted.get(event.item_id, ItemActivity())
        wanted[event.item_id] = item_activity.advance(before, event.action, event.timestamp)  # type: ignore[arg-type]
    rows = _read(OnlineRows(store, features.item_activity), list(wanted))
    return [
        f"item {item_id}: {_counted(rows.get(item_id), 'item')} instead of {sum(activity.counts[-1]):.6f}"
        for item_id, activity in wanted.items()
        if item_id not in rows or not _same(item_activity.from_row(rows[item_id].values), activity)
    ]


def log_off(folder: Path, events: Sequence[Interaction]) -> list[str]:
    """Where the offline log lacks an event, or has a row twice with different values."""
    logged = [row for part in sorted((folder / "interactions").glob("*.parquet")) for row in _interactions(part)]
    copies: dict[str, set[tuple[Any, ...]]] = {}
    for event_id, *rest in logged:
        copies.setdefault(event_id, set()).add(tuple(rest))
    wanted = {event.event_id for event in events}
    missing = [f"event {event_id} is not in the log" for event_id in sorted(wanted - copies.keys())]
    foreign = [f"event {event_id} is in the log, but nobody sent it" for event_id in sorted(copies.keys() - wanted)]
    return missing + foreign + [f"event {each} has unequal copies" for each, rows in copies.items() if len(rows) > 1]


def letters_off(found: Sequence[Letter], places: Mapping[Place, Poison]) -> list[str]:
    """Poison that is not among the dead letters with its place and reason, and letters of messages that were good."""
    there = {Place(letter.topic, letter.partition, letter.offset): letter for letter in found}
    off = [f"dead letter of a good message: {each}" for place, each in there.items() if place not in places]
    off += [f"buried twice: {len(found) - len(there)} letters"] if len(found) != len(there) else []
    for place, poison in places.items():
        letter = there.get(place)
        if letter is None or (letter.key, letter.value) != (poison.key, poison.value or b""):
            off.append(f"poison at {place} is not among the dead letters as it came")
        elif poison.reason not in letter.reason:
            off.append(f"poison at {place} was buried because {letter.reason!r}, not {poison.reason!r}")
    return off


def _same_user(mine: UserActivity, theirs: UserActivity, rounded: bool) -> bool:
    if not rounded:
        return mine == theirs
    rest = (mine._replace(counts=(), categories={}), theirs._replace(counts=(), categories={}))
    known = mine.categories.keys() == theirs.categories.keys()
    weights = [(mine.categories[name], theirs.categories[name]) for name in mine.categories] if known else []
    return (
        known and rest[0] == rest[1] and all(isclose(a, b, rel_tol=1e-9) for a, b in weights) and _close(mine, theirs)
    )


def _same(mine: ItemActivity, theirs: ItemActivity) -> bool:
    return mine.at == theirs.at and _close(mine, theirs)


def _close(mine: UserActivity | ItemActivity, theirs: UserActivity | ItemActivity) -> bool:
    pairs = zip((n for row in mine.counts for n in row), (n for row in theirs.counts for n in row), strict=True)
    return all(isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in pairs)


def _counted(row: Row | None, whose: str) -> str:
    return "no row" if row is None else f"{sum(row.values[f'{whose}_actions_7d']):.6f} (7-day counters)"


def _read(rows: OnlineRows, ids: Sequence[str]) -> dict[str, Row]:
    parts = [rows.read(ids[start : start + AT_ONCE]) for start in range(0, len(ids), AT_ONCE)]
    return {entity_id: row for part in parts for entity_id, row in part.items()}


def _interactions(part: Path) -> Iterator[tuple[Any, ...]]:
    table = pq.read_table(part, columns=["event_id", "user_id", "item_id", "action", "timestamp", "event_timestamp"])
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
