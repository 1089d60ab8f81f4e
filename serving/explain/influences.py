"""What the parts add -> what an explanation names of them, with titles and times."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from feature_repo.inputs import unexpired
from feature_repo.item_table import ItemTable
from feature_repo.vocabulary import ACTIONS, HISTORY_LENGTH
from serving.explain.added import Added
from serving.explain.explanation import Influence
from serving.known_user import iso, title

FOR, AGAINST = 5, 2  # items of the history that are named
LEAST = 1e-4  # what adds less is left out


class Past(NamedTuple):
    """What a user did, oldest first, as the ranker sees it."""

    item_ids: list[str]
    actions: list[int]  # ACTION_CODE
    timestamps: list[int]  # epoch milliseconds


def past(activity: Mapping[str, Any], now_ms: int) -> Past:
    """The history of a row of ``user_activity``."""
    row = unexpired(activity, now_ms)
    names = ("history_item_ids", "history_actions", "history_timestamps")
    return Past(*(list(row.get(name) or ())[-HISTORY_LENGTH:] for name in names))


def influences(added: Added, number: int, met: Past, table: ItemTable) -> list[Influence]:
    """The items of the history that speak most for item ``number``, and those most against it; by what they add."""
    adds = added.by_item[:, number]
    order = np.argsort(-adds, kind="stable")
    speaking = [place for place in order[:FOR].tolist() if adds[place] >= LEAST]
    denying = [place for place in order[-AGAINST:].tolist() if adds[place] <= -LEAST]
    last = {item_id: place for place, item_id in enumerate(met.item_ids)}
    return [
        _influence(added.item_ids[place], float(adds[place]), met, last[added.item_ids[place]], table)
        for place in (*speaking, *denying)
    ]


def features(added: Added, number: int) -> dict[str, float]:
    """What each group of features adds to item ``number``, the strongest first."""
    adds = dict(zip(added.groups, added.by_group[:, number].tolist(), strict=True))
    told = sorted(adds.items(), key=lambda pair: -abs(pair[1]))
    return {group: round(each, 4) for group, each in told if abs(each) >= LEAST}


def _influence(item_id: str, adds: float, met: Past, place: int, table: ItemTable) -> Influence:
    action, at = ACTIONS[met.actions[place] - 1], iso(met.timestamps[place])
    return Influence(item_id, title(item_id, table), action, at, round(adds, 4))
