"""stages + slate -> slate, one after the other; and what each of them changed."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from serving.slate.availability import Available, available
from serving.slate.boosting import Boost, boost
from serving.slate.caps import Cap, cap
from serving.slate.diversity import Diversity, diversify
from serving.slate.exclusion import Exclude, exclude
from serving.slate.fatigue import Fatigue, fatigue
from serving.slate.filtering import Filter, filter_items
from serving.slate.pins import Pin, pin
from serving.slate.seen import Seen, seen
from serving.slate.served import NotServed, not_served
from serving.slate.shares import New, Promote, new, promote
from serving.slate.slate import Given, Slate, Stage

STAGES: dict[type[Stage], Callable[[Slate, Given, Any], Slate]] = {
    Available: available,
    Exclude: exclude,
    Filter: filter_items,
    Seen: seen,
    NotServed: not_served,
    Boost: boost,
    Fatigue: fatigue,
    Diversity: diversify,
    Promote: promote,
    New: new,
    Cap: cap,
    Pin: pin,
}


class Moved(msgspec.Struct, frozen=True):
    """An item's place before and after a stage; 1 is the top."""

    item_id: str
    was: int
    now: int


class Rescored(msgspec.Struct, frozen=True):
    """What a stage added to an item's score."""

    item_id: str
    added: float


class Change(msgspec.Struct, frozen=True):
    """What one stage did: how many items it left, what it dropped, and what it did to the places that are answered."""

    stage: str
    left: int
    dropped: list[str]
    moved: list[Moved]
    rescored: list[Rescored]


def apply(stages: Sequence[Stage], slate: Slate, given: Given) -> Slate:
    """Run the stages."""
    for stage in stages:
        slate = STAGES[type(stage)](slate, given, stage)
    return slate


def trace(stages: Sequence[Stage], slate: Slate, given: Given) -> tuple[Slate, list[Change]]:
    """Run the stages and tell what each of them changed."""
    changes = []
    for stage in stages:
        before, slate = slate, STAGES[type(stage)](slate, given, stage)
        changes.append(_change(stage, before, slate, given))
    return slate, changes


def _change(stage: Stage, before: Slate, after: Slate, given: Given) -> Change:
    if after is before:
        return Change(str(stage.__struct_config__.tag), len(after.places), [], [], [])
    kept = np.isin(before.places, after.places)
    was = {place: position for position, place in enumerate(before.places[kept].tolist(), 1)}
    counted = dict(zip(before.places.tolist(), before.scores.tolist(), strict=True))
    moved, rescored = [], []
    for now, (place, score) in enumerate(zip(after.places.tolist(), after.scores.tolist(), strict=True), 1):
        if was[place] != now and min(was[place], now) <= given.end:
            moved.append(Moved(_id(given, place), was[place], now))
        if counted[place] != score and min(was[place], now) <= given.end:
            rescored.append(Rescored(_id(given, place), round(score - counted[place], 6)))
    dropped = [_id(given, place) for place in before.places[~kept].tolist()]
    return Change(str(stage.__struct_config__.tag), len(after.places), dropped, moved, rescored)


def _id(given: Given, place: int) -> str:
    return given.table.ids[int(given.rows[place])]
