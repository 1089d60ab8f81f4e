"""What the compiled loops read, keep and write: arrays by name. Ids are int32 ranks in the order of their strings."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.vocabulary import ACTION_CODE, ACTIONS, CATEGORIES_KEPT, HALF_LIVES, HISTORY_LENGTH, SESSION_GAP

Array = npt.NDArray[Any]
NOBODY = -1
ENTITY, AT, STAMP, KEPT, LIKED = range(5)  # places in ``State.numbers``


class Constants(NamedTuple):
    """The vocabulary as arguments: a loop compiled once and kept on disk must not remember an older one.

    Powers of a constant may be compiled to another function with another last bit, so their bases come along too.
    """

    windows: Array = np.array(list(HALF_LIVES.values()), np.float64)
    affinity_window: float = float(HALF_LIVES["7d"])
    session_gap: int = SESSION_GAP
    impression: int = ACTION_CODE["impression"]
    history_length: int = HISTORY_LENGTH
    categories_kept: int = CATEGORIES_KEPT
    half: float = 0.5
    two: float = 2.0


class Steps(NamedTuple):
    """n events, entity by entity."""

    entities: Array  # int32 [n]
    items: Array  # int32 [n]
    actions: Array  # int64 [n], ACTION_CODE
    timestamps: Array  # int64 [n], epoch milliseconds


class State(NamedTuple):
    """The user or item a loop is at; arrays that it changes."""

    numbers: Array  # int64 [5]: entity, at, stamp, entries of the history, categories
    counts: Array  # float64 [windows, actions]
    item_ids: Array  # int32 [history + 1]
    actions: Array  # int64 [history + 1]
    timestamps: Array  # int64 [history + 1]
    categories: Array  # int32 [kept + most of one item]
    weights: Array  # float64, beside ``categories``


class Counters(NamedTuple):
    """The counters of n rows, as they stood at ``at``."""

    counts: Array  # float64 [windows, n, actions]
    at: Array  # int64 [n], epoch milliseconds
    stamps: Array  # int64 [n], epoch microseconds


class Lists(NamedTuple):
    """The lists of n user rows, end to end; ``*_ends[i]`` is where row i begins and row i - 1 ends."""

    session_events: Array  # int64 [n]
    history_ends: Array  # int32 [n + 1]
    item_ids: Array  # int32 [up to n * history]
    actions: Array  # int64, beside ``item_ids``
    timestamps: Array  # int64, beside ``item_ids``
    category_ends: Array  # int32 [n + 1]
    categories: Array  # int32 [up to n * kept]
    weights: Array  # float64, beside ``categories``


def new_state(most_categories: int) -> State:
    """Nobody yet, with room for the item that has the most categories."""
    length, room = HISTORY_LENGTH + 1, CATEGORIES_KEPT + most_categories
    return State(
        np.array([NOBODY, 0, 0, 0, 0], np.int64),
        np.zeros((len(HALF_LIVES), len(ACTIONS))),
        np.zeros(length, np.int32),
        np.zeros(length, np.int64),
        np.zeros(length, np.int64),
        np.zeros(room, np.int32),
        np.zeros(room),
    )


def new_counters(n: int) -> Counters:
    """Room for the counters of ``n`` rows."""
    return Counters(np.empty((len(HALF_LIVES), n, len(ACTIONS))), np.empty(n, np.int64), np.empty(n, np.int64))


def new_lists(n: int) -> Lists:
    """Room for the lists of ``n`` user rows."""
    most, liked = n * HISTORY_LENGTH, n * CATEGORIES_KEPT
    return Lists(
        np.empty(n, np.int64),
        np.zeros(n + 1, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.zeros(n + 1, np.int32),
        np.empty(liked, np.int32),
        np.empty(liked),
    )
