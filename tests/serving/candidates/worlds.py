"""A few items and who asks among them, for the sources."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from feature_repo.item_table import ItemTable
from feature_repo.neighbours import Neighbours
from feature_repo.vocabulary import ACTION_CODE, ACTIONS, VECTOR_SIZE
from serving.candidates.asked import Asked, Within
from serving.candidates.lists import Lists
from serving.candidates.met import Met
from serving.candidates.nearest import Nearest
from serving.candidates.retrieval import SHARED
from serving.candidates.titles import Titles
from serving.candidates.user_vector import user_vector

NOW = 1_800_000_000_000  # epoch milliseconds
HOUR, DAY = 3_600_000, 86_400_000


def turned(degrees: float) -> Any:
    """A vector in the plane of the first two numbers."""
    vector = np.zeros(VECTOR_SIZE, np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return vector


def table_of(**degrees: float) -> ItemTable:
    """Items by the directions of their vectors."""
    table = ItemTable()
    vectors = np.array([turned(each) for each in degrees.values()]).reshape(-1, VECTOR_SIZE)
    table.replace_vectors(list(degrees), vectors, np.arange(1, len(degrees) + 1) * 2)
    return table


def wanted(table: ItemTable, item_id: str, at: int = NOW, **counts: tuple[float, float, float]) -> None:
    """An item's counters of 1h, 1d, 7d by action, as they stood at a time."""
    rows = [[0.0] * len(ACTIONS) for _ in range(3)]
    for action, values in counts.items():
        for row, value in zip(rows, values, strict=True):
            row[ACTIONS.index(action)] = value
    named = dict(zip(("item_actions_1h", "item_actions_1d", "item_actions_7d"), rows, strict=True))
    table.put_activity(item_id, named | {"item_activity_at": at})


def within(table: ItemTable, neighbours: Neighbours | None = None, exact_up_to: int = 1000) -> Within:
    """What sources look into, as it is now."""
    nearest, lists = Nearest(table, exact_up_to), Lists(table, SHARED)
    nearest.follow(nearest.look(1))
    lists.make(lists.look(), NOW)
    return Within(table, nearest, lists, neighbours)


def asked(table: ItemTable, *history: tuple[str, str], since: int = HOUR, **given: Any) -> Asked:
    """Someone with a history of (item, action), the newest last and ``since`` ago, a minute between two entries."""
    rows = table.rows(item_id for item_id, _ in history)
    actions = np.array([ACTION_CODE[action] for _, action in history], np.int64)
    timestamps = NOW - since - np.arange(len(history) - 1, -1, -1) * 60_000
    given.setdefault("within", within(table, given.pop("neighbours", None)))
    met = Met(rows, actions, timestamps)
    return Asked(met=met, now_ms=NOW, user=user_vector(met, table), **given)


def named(table: ItemTable, rows: Sequence[int] | Any) -> list[str]:
    return [table.ids[int(row)] for row in rows]


def titles_of(table: ItemTable) -> Titles:
    """The titles as they are now."""
    titles = Titles(table)
    titles.follow(titles.look())
    return titles
