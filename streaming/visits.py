"""Rows of histories -> whose hold visits of forgotten items, and the same rows without them. Arrow, no files."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.user_activity import UserActivity, without

ITEMS, ACTIONS, TIMES, SESSION = "history_item_ids", "history_actions", "history_timestamps", "user_session_events"
ASKED, CHANGED = ("user_id", ITEMS, TIMES), (ITEMS, ACTIONS, TIMES, SESSION)
AT_ONCE = 1_000  # histories as Python lists, some ten kilobytes each

Settle = Callable[[set[str]], None]  # hears of users before their rows of the log are written anew
Holder = tuple[str, frozenset[str]]  # a user, and the forgotten items that one row of theirs holds


def held(tables: Iterable[Any], void: Mapping[str, int]) -> list[Holder]:
    """The rows that hold visits of these items up to their times (epoch milliseconds)."""
    return [
        (row["user_id"], void_items(row[ITEMS], row[TIMES], void))
        for table in tables
        for rows in _rows(table, _touched(table, void))
        for row in rows
    ]


def void_items(item_ids: Iterable[str] | None, times: Iterable[int] | None, void: Mapping[str, int]) -> frozenset[str]:
    """The items of one history whose visits are void."""
    visits = zip(item_ids or (), times or (), strict=True)
    return frozenset(item_id for item_id, when in visits if when <= void.get(item_id, 0))


def rows_by_item(found: Iterable[Holder]) -> Mapping[str, int]:
    """In how many rows each item was found."""
    return Counter(item_id for _, items in found for item_id in items)


def without_visits(table: Any, void: Mapping[str, int]) -> Any:
    """The table without these visits: as many rows, their lists in step."""
    touched = _touched(table, void)
    if not len(touched):
        return table
    columns = {name: [table[name].combine_chunks()] for name in CHANGED if name in table.column_names}
    for rows in _rows(table.select([ITEMS, ACTIONS, TIMES]), touched):
        left = [forgot(row[ITEMS], row[ACTIONS], row[TIMES], void) for row in rows]
        for name, pieces in columns.items():
            pieces.append(pa.array([each[name] for each in left], pieces[0].type))
    places = np.arange(len(table))
    places[touched] = len(table) + np.arange(len(touched))  # what is left of them stands behind the others
    for name, pieces in columns.items():
        number = table.column_names.index(name)
        table = table.set_column(number, table.schema.field(number), pa.concat_arrays(pieces).take(pa.array(places)))
    return table


def forgot(
    item_ids: Sequence[str], actions: Sequence[int], times: Sequence[int], void: Mapping[str, int]
) -> dict[str, Any]:
    """The columns of one history without these visits."""
    left = without(UserActivity(item_ids=tuple(item_ids), actions=tuple(actions), timestamps=tuple(times)), void)
    lists = {ITEMS: left.item_ids, ACTIONS: left.actions, TIMES: left.timestamps}
    return {name: list(values) for name, values in lists.items()} | {SESSION: left.session}


def _touched(table: Any, void: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """The places of rows that hold any of these visits."""
    lists, times = (table[name].combine_chunks() for name in (ITEMS, TIMES))
    ids, limits = pa.array(void.keys(), pa.string()), pa.array(void.values(), pa.int64())
    gone = pc.less_equal(times.flatten(), limits.take(pc.index_in(lists.flatten(), ids))).fill_null(False)
    rows: npt.NDArray[np.int64] = np.unique(pc.list_parent_indices(lists).filter(gone).to_numpy())
    return rows


def _rows(table: Any, places: npt.NDArray[np.int64]) -> Iterator[list[dict[str, Any]]]:
    """These rows, some at a time."""
    for begin in range(0, len(places), AT_ONCE):
        yield table.take(pa.array(places[begin : begin + AT_ONCE])).to_pylist()
