"""the events of some users -> the rows that the stream would have written for them, as Arrow tables."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo import features
from feature_repo.online import Row
from feature_repo.vocabulary import ACTIONS, HALF_LIVES
from streaming import ledger
from streaming.ledger import HISTORY_LOG, REMEMBERED, UserLedger, event_key
from streaming.loop_state import Constants, Counters, Lists, Steps, new_counters, new_lists, new_state
from streaming.loops import advance_users
from streaming.offline_log import INTERACTIONS
from streaming.parts import ends_of, lists_of, rows_of, table_of
from streaming.ranked import Categories, Ranked, categories_of, ranked

Array = npt.NDArray[Any]


class UserEvents(NamedTuple):
    """Events user by user, each user's in time order, ties in the order of the source; none of them twice."""

    table: Any  # of columns.EVENTS
    users: Ranked
    items: Ranked
    categories: Categories
    actions: Array
    timestamps: Array


class UserPart(NamedTuple):
    """Rows of one part of the log and the last rows of the users that end in it."""

    activity: Any  # pa.Table
    interactions: Any  # pa.Table
    last: list[Row]


def user_events(table: Any, catalogue: Any) -> tuple[UserEvents, Array]:
    """The events of a spooled table in order, and the numbers of those that were there twice."""
    named = table.set_column(1, "event_id", _names(table["event_id"], table["number"]))
    users, ids = ranked(named["entity"]), ranked(named["event_id"])
    order = np.lexsort((named["timestamp"].to_numpy(), users.codes))
    if len(ids.names) < len(table):
        order = _first_of_each(order, users.codes, ids.codes)
    kept = named.take(pa.array(order))
    items = ranked(kept["item_id"])
    left_out = np.setdiff1d(np.arange(len(table)), order, assume_unique=True)
    columns = [kept[name].to_numpy().astype(np.int64) for name in ("action", "timestamp")]
    events = UserEvents(
        kept, Ranked(users.codes[order], users.names), items, categories_of(items.names, catalogue), *columns
    )
    return events, table["number"].to_numpy()[left_out]


def user_parts(events: UserEvents, rows: int) -> Iterator[UserPart]:
    """The rows of the events, some at a time."""
    most = int(np.diff(events.categories.ends).max(initial=0))
    state, counters, lists = new_state(most), new_counters(rows), new_lists(rows)
    own = (events.categories.ends, events.categories.codes)
    for begin in range(0, len(events.table), rows):
        of_part = slice(begin, min(begin + rows, len(events.table)))
        columns = (events.users.codes, events.items.codes, events.actions, events.timestamps)
        advance_users(Steps(*(each[of_part] for each in columns)), *own, Constants(), state, counters, lists)
        yield _part(events, of_part, counters, lists)


def _names(event_ids: Any, numbers: Any) -> Any:
    """Event ids; one that is missing is made of the row's number."""
    if not event_ids.null_count:
        return event_ids
    return pc.coalesce(event_ids, pc.binary_join_element_wise("history", numbers.cast(pa.string()), "-"))


def _first_of_each(order: Array, users: Array, event_ids: Array) -> Array:
    pairs = (users.astype(np.int64) << 32 | event_ids)[order]
    return order[np.sort(np.unique(pairs, return_index=True)[1])]  # type: ignore[no-any-return]


def _part(events: UserEvents, of_part: slice, counters: Counters, lists: Lists) -> UserPart:
    count = of_part.stop - of_part.start
    table, stamps = events.table.slice(of_part.start, count), counters.stamps[:count].copy()
    users = pa.DictionaryArray.from_arrays(pa.array(events.users.codes[of_part]), events.users.names)
    activity = table_of(
        features.user_activity.name,
        {"user_id": users} | _counts(counters, count) | _lists(events, lists, count),
        stamps,
    )
    interactions = table_of(INTERACTIONS, _interactions(events, of_part, table, users), stamps)
    return UserPart(activity, interactions, _last_rows(events, of_part, activity))


def _counts(counters: Counters, count: int) -> dict[str, Any]:
    ends = np.arange(0, (count + 1) * len(ACTIONS), len(ACTIONS), dtype=np.int32)
    windows = {
        f"user_actions_{name}": lists_of(ends, counters.counts[place, :count].reshape(-1))
        for place, name in enumerate(HALF_LIVES)
    }
    return windows | {"user_activity_at": counters.at[:count].copy()}


def _lists(events: UserEvents, lists: Lists, count: int) -> dict[str, Any]:
    history, liked = lists.history_ends[: count + 1], lists.category_ends[: count + 1]
    return {
        "history_item_ids": lists_of(history, lists.item_ids, events.items.names),
        "history_actions": lists_of(history, lists.actions),
        "history_timestamps": lists_of(history, lists.timestamps),
        "user_session_events": lists.session_events[:count].copy(),
        "user_categories": lists_of(liked, lists.categories, events.categories.names),
        "user_category_weights": lists_of(liked, lists.weights),
    }


def _interactions(events: UserEvents, of_part: slice, table: Any, users: Any) -> dict[str, Any]:
    items = pa.DictionaryArray.from_arrays(pa.array(events.items.codes[of_part]), events.items.names)
    actions = pa.DictionaryArray.from_arrays(pa.array((events.actions[of_part] - 1).astype(np.int8)), pa.array(ACTIONS))
    as_read = {name: table[name] for name in ("event_id", "value", "timestamp", "request_id", "position", "context")}
    return {"user_id": users, "item_id": items, "action": actions} | as_read


def _last_rows(events: UserEvents, of_part: slice, activity: Any) -> list[Row]:
    """The online rows, with their ledgers, of users whose last event is in this part."""
    ends = ends_of(events.users.codes, of_part)
    rows = rows_of(activity.take(pa.array(ends)))
    return [_online(*pair, events) for pair in zip(rows, (of_part.start + ends).tolist(), strict=True)]


def _online(row: Row, end: int, events: UserEvents) -> Row:
    codes = events.users.codes
    begin = max(end + 1 - REMEMBERED, int(np.searchsorted(codes, codes[end])))
    seen = events.table.select(["event_id", "number"]).slice(begin, end + 1 - begin).to_pydict()
    offsets = {event_key(event_id): number for event_id, number in zip(seen["event_id"], seen["number"], strict=True)}
    book = UserLedger(row.stamp, HISTORY_LOG, seen["number"][-1], offsets)
    return row._replace(values={**row.values, "user_ledger": ledger.user_to_bytes(book)})
