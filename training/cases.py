"""Feast rows as of a cutoff + the events after it, in time order -> cases: what is known just before an event.

This is what a live service meets: every event moves its user's and its item's features before the next case comes.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import numpy.typing as npt
import pandas as pd
from feast import FeatureStore

from feature_repo import item_activity, user_activity
from feature_repo.context import Context, from_json
from feature_repo.inputs import item_inputs, user_affinity
from feature_repo.item_activity import ItemActivity
from feature_repo.item_table import ItemTable
from feature_repo.user_activity import UserActivity
from feature_repo.vocabulary import ACTIONS, HALF_LIVES
from training.joins import states
from training.queries import Queries
from training.samples import Arrays, Catalogue, affinity_slots, user_arrays

Array = npt.NDArray[Any]
ITEM_COLUMNS = (
    *(f"item_actions_{window}" for window in HALF_LIVES),
    "item_activity_at",
    "item_ctr_7d",
    "item_published_at",
    "item_category_codes",
)


@dataclass(frozen=True)
class Case:
    """One event to be predicted from all that happened before it."""

    user_id: str
    item_id: str
    target: int  # row of the catalogue, -1 for an item it does not have
    seen: Array  # rows of the catalogue the user met before
    timestamp: int  # epoch ms
    user: Arrays  # without a batch dimension
    items: Arrays  # of the whole catalogue [n, ...]
    context: Context = None  # what the event said of its moment


@dataclass
class World:
    """Everything known at one moment."""

    catalogue: Catalogue
    table: ItemTable
    profiles: dict[str, dict[str, Any]]
    users: dict[str, UserActivity]
    items: dict[str, ItemActivity]
    seen: dict[str, list[int]] = field(default_factory=dict)
    learned: set[str] = field(default_factory=set)  # items that had an interaction before the cutoff
    queries: Queries = field(default_factory=Queries)  # whose rows the cases' queries are
    labels: AbstractSet[str] = frozenset(ACTIONS)  # actions that are cases and make an item seen; all move features


def world_at(store: FeatureStore, catalogue: Catalogue, past: pd.DataFrame, user_ids: list[str], at_ms: int) -> World:
    """The world at the end of ``at_ms``: features as Feast had them, ``past`` interactions as what users have seen."""
    profiles = states(store, "user_id", user_ids, at_ms, "user_profile")
    activities = states(store, "user_id", user_ids, at_ms, "user_activity")
    items = states(store, "item_id", catalogue.ids, at_ms, "item_activity")
    contents = states(store, "item_id", catalogue.ids, at_ms, "item_content")
    table = ItemTable()
    for item_id, content, activity in zip(catalogue.ids, contents, items, strict=True):
        table.put_content(item_id, content)
        table.put_activity(item_id, activity)
    world = World(
        catalogue,
        table,
        dict(zip(user_ids, profiles, strict=True)),
        {user_id: user_activity.from_row(row) for user_id, row in zip(user_ids, activities, strict=True)},
        {item_id: item_activity.from_row(row) for item_id, row in zip(catalogue.ids, items, strict=True)},
    )
    for user_id, item_id in zip(past.user_id, past.item_id, strict=True):
        _see(world, user_id, item_id)
    world.learned = set(past.item_id)
    return world


def walk(
    world: World, events: pd.DataFrame, roll: int, min_seen: int, newcomers: bool = False, limit: int | None = None
) -> Iterator[Case]:
    """The cases among some events, as ``cases_among`` chooses them; each event moves the world.

    A case that came of a request knows what was known before anything of it was shown. Of more than ``limit`` cases
    that many are drawn, the same ones each time.
    """
    known = {user_id: len(rows) for user_id, rows in world.seen.items()}
    labels = np.flatnonzero(events.action.isin(world.labels))
    chosen = labels[cases_among(events.iloc[labels], known, world.learned, roll, min_seen, newcomers)]
    if limit is not None and len(chosen) > limit:
        chosen = np.sort(np.random.default_rng(0).permutation(chosen)[:limit])
    contexts = events.context if "context" in events else pd.Series([None] * len(events))
    cases: dict[int, list[int]] = {}
    for place, moment in zip(chosen.tolist(), decided(events)[chosen].tolist(), strict=True):
        cases.setdefault(moment, []).append(place)
    rows = zip(events.user_id, events.item_id, events.action, events.timestamp.tolist(), strict=True)
    for moment, (user_id, item_id, action, now) in enumerate(rows):
        for place in cases.get(moment, ()):
            yield case_at(world, user_id, events.item_id.iat[place], now, from_json(contexts.iat[place]))
        advance(world, user_id, item_id, action, now)


def decided(events: pd.DataFrame) -> Array:
    """The place of the event before which each one was decided: the first impression of its request, or itself."""
    places = np.arange(len(events))
    if "request_id" not in events:
        return places
    cited = (events.request_id.fillna("") != "").to_numpy()
    shown = cited & (events.action == "impression").to_numpy()
    requests = list(zip(events.user_id, events.request_id, strict=True))
    first: dict[tuple[str, str], int] = {}
    for place in np.flatnonzero(shown).tolist():
        first.setdefault(requests[place], place)
    for place in np.flatnonzero(cited).tolist():
        places[place] = min(first.get(requests[place], place), place)
    return places


def cases_among(
    events: pd.DataFrame,
    known: Mapping[str, int],
    learned: AbstractSet[str],
    roll: int,
    min_seen: int,
    newcomers: bool = False,
) -> list[bool]:
    """Which events are cases: the first ``roll`` of each user who met ``min_seen`` learned items before.

    ``known`` says how many of the ``learned`` items each user met before the first event. With ``newcomers`` the first
    event of every user who is not in ``known`` is a case as well, beside those ``roll``.
    """
    met, made, chosen = dict(known), dict[str, int](), []
    for user_id, item_id in zip(events.user_id, events.item_id, strict=True):
        is_case = met.get(user_id, 0) >= min_seen and made.get(user_id, 0) < roll
        chosen.append(is_case or (newcomers and user_id not in met))
        made[user_id] = made.get(user_id, 0) + is_case
        met[user_id] = met.get(user_id, 0) + (item_id in learned)
    return chosen


def case_at(world: World, user_id: str, item_id: str, now: int, context: Context, rows: Array | None = None) -> Case:
    """What is known right now of a user and of all items, or some ``rows``; ``item_id`` is what comes, "" for none."""
    catalogue, activity = world.catalogue, user_activity.to_row(world.users.get(user_id, UserActivity()))
    row = {**world.profiles.get(user_id, {}), **activity}
    some = slice(None) if rows is None else rows
    columns = {name: world.table.column(name)[some] for name in ITEM_COLUMNS}
    codes = world.table.category_codes
    items = item_inputs(columns, user_affinity(row, codes, affinity_slots(catalogue)), now)
    seen = np.array(world.seen.get(user_id, []), np.int64)
    user = user_arrays(row, now, catalogue.look_up, context, world.queries)
    return Case(user_id, item_id, catalogue.index.get(item_id, -1), seen, now, user, items, context)


def advance(world: World, user_id: str, item_id: str, action: str, now: int) -> None:
    """Let one more event happen."""
    row = world.catalogue.index.get(item_id)
    categories = [] if row is None else world.catalogue.categories[row]
    before = world.users.get(user_id, UserActivity())
    world.users[user_id] = user_activity.advance(before, item_id, action, now, categories)
    if row is not None:
        activity = world.items[item_id] = item_activity.advance(world.items[item_id], action, now)
        world.table.put_activity(item_id, item_activity.to_row(activity))
    if action in world.labels:
        _see(world, user_id, item_id)


def _see(world: World, user_id: str, item_id: str) -> None:
    if item_id in world.catalogue.index:
        world.seen.setdefault(user_id, []).append(world.catalogue.index[item_id])
