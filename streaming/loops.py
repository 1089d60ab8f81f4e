"""events, entity by entity -> their rows: the arithmetic of feature_repo, compiled, without an object per event.

The same operations in the same order as ``user_activity.advance`` and ``item_activity.advance``, so the same bits;
tests/streaming/test_shards.py compares them. Everything compiled is in this file, because numba's cache on disk looks
at the file of a function only, not at those of the functions it calls.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

from streaming.loop_state import AT, ENTITY, KEPT, LIKED, STAMP, Array, Constants, Counters, Lists, State, Steps

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function as machine code, made at its first call and kept on disk where there is a folder to write to."""
    machine_code: Callable[Arguments, Result]
    try:
        machine_code = numba.njit(cache=True)(function)
    except RuntimeError:  # neither the code's folder nor the user's can be written: compiled anew in every process
        machine_code = numba.njit(function)
    return machine_code


@compiled
def _begin(state: State, entity: int) -> None:
    for each in range(len(state.numbers)):
        state.numbers[each] = 0
    for window in range(state.counts.shape[0]):
        for action in range(state.counts.shape[1]):
            state.counts[window, action] = 0.0
    state.numbers[ENTITY] = entity


@compiled
def _count(state: State, action: int, timestamp: int, constants: Constants) -> None:
    """The counters, their time and the row's stamp, one event later."""
    counts, at = state.counts, state.numbers[AT]
    for window in range(len(constants.windows)):
        one = 1.0
        if timestamp > at:
            fade = constants.half ** ((timestamp - at) / constants.windows[window])
            for each in range(counts.shape[1]):
                counts[window, each] *= fade
        else:
            one = constants.half ** ((at - timestamp) / constants.windows[window])
        counts[window, action - 1] += one
    state.numbers[AT] = max(at, timestamp)
    state.numbers[STAMP] = max(timestamp * 1000, state.numbers[STAMP] + 1)


@compiled
def _remember(state: State, item_id: int, action: int, timestamp: int, constants: Constants) -> None:
    """The history with one more visit in its place; the oldest falls out where there are too many."""
    place = kept = state.numbers[KEPT]
    visit = (timestamp, item_id, action)
    while place and visit < (state.timestamps[place - 1], state.item_ids[place - 1], state.actions[place - 1]):
        _set_visit(state, place, state.item_ids[place - 1], state.actions[place - 1], state.timestamps[place - 1])
        place -= 1
    _set_visit(state, place, item_id, action, timestamp)
    state.numbers[KEPT] = kept + 1
    if kept == constants.history_length:
        for each in range(kept):
            _set_visit(state, each, state.item_ids[each + 1], state.actions[each + 1], state.timestamps[each + 1])
        state.numbers[KEPT] = kept


@compiled
def _set_visit(state: State, place: int, item_id: int, action: int, timestamp: int) -> None:
    state.item_ids[place], state.actions[place], state.timestamps[place] = item_id, action, timestamp


@compiled
def _lean(state: State, own: Array, timestamp: int, constants: Constants) -> None:
    """The affinities after one more event with an item of the categories ``own``."""
    categories, weights, liked, at = state.categories, state.weights, state.numbers[LIKED], state.numbers[AT]
    fade = constants.two ** (-max(float(timestamp - at), 0.0) / constants.affinity_window)
    if fade < 1:
        for each in range(liked):
            weights[each] *= fade
    share = constants.two ** (-max(float(at - timestamp), 0.0) / constants.affinity_window) / max(len(own), 1)
    for category in own:
        place = 0
        while place < liked and categories[place] != category:
            place += 1
        if place == liked:
            categories[place], weights[place] = category, 0.0
            liked += 1
        weights[place] += share
    if liked > constants.categories_kept:
        _strongest_first(categories, weights, liked)
    state.numbers[LIKED] = min(liked, constants.categories_kept)


@compiled
def _strongest_first(categories: Array, weights: Array, liked: int) -> None:
    for end in range(1, liked):
        category, weight, place = categories[end], weights[end], end
        while place and (-weight, category) < (-weights[place - 1], categories[place - 1]):
            categories[place], weights[place] = categories[place - 1], weights[place - 1]
            place -= 1
        categories[place], weights[place] = category, weight


@compiled
def _session_events(state: State, constants: Constants) -> int:
    kept = state.numbers[KEPT]
    newer = state.timestamps[kept - 1]
    for count in range(kept):
        older = state.timestamps[kept - 1 - count]
        if newer - older > constants.session_gap:
            return count
        newer = older
    return int(kept)


@compiled
def _write_counters(rows: Counters, row: int, state: State) -> None:
    for window in range(state.counts.shape[0]):
        for action in range(state.counts.shape[1]):
            rows.counts[window, row, action] = state.counts[window, action]
    rows.at[row], rows.stamps[row] = state.numbers[AT], state.numbers[STAMP]


@compiled
def _write_lists(rows: Lists, row: int, state: State) -> None:
    kept, liked = state.numbers[KEPT], state.numbers[LIKED]
    begin, first = rows.history_ends[row], rows.category_ends[row]
    rows.history_ends[row + 1], rows.category_ends[row + 1] = begin + kept, first + liked
    for each in range(kept):
        rows.item_ids[begin + each] = state.item_ids[each]
        rows.actions[begin + each] = state.actions[each]
        rows.timestamps[begin + each] = state.timestamps[each]
    for each in range(liked):
        rows.categories[first + each], rows.weights[first + each] = state.categories[each], state.weights[each]


@compiled
def advance_users(
    steps: Steps,
    category_ends: Array,
    categories: Array,
    constants: Constants,
    state: State,
    counters: Counters,
    lists: Lists,
) -> None:
    """Write the rows of n events that come user by user.

    ``category_ends`` [items + 1] says where each item's part of ``categories`` ends. ``state`` carries a user over from
    one call to the next.
    """
    for row in range(len(steps.entities)):
        if steps.entities[row] != state.numbers[ENTITY]:
            _begin(state, steps.entities[row])
        item_id, action, timestamp = steps.items[row], steps.actions[row], steps.timestamps[row]
        _lean(state, categories[category_ends[item_id] : category_ends[item_id + 1]], timestamp, constants)
        if action != constants.impression:
            _remember(state, item_id, action, timestamp, constants)
        _count(state, action, timestamp, constants)
        _write_counters(counters, row, state)
        _write_lists(lists, row, state)
        lists.session_events[row] = _session_events(state, constants)


@compiled
def advance_items(steps: Steps, constants: Constants, state: State, counters: Counters) -> None:
    """Write the rows of n events that come item by item."""
    for row in range(len(steps.entities)):
        if steps.entities[row] != state.numbers[ENTITY]:
            _begin(state, steps.entities[row])
        _count(state, steps.actions[row], steps.timestamps[row], constants)
        _write_counters(counters, row, state)
