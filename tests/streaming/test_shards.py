"""Compiled loops over arrays against the stream's own functions, event by event: the same bits."""

from collections.abc import Iterator
from typing import Any

import numba
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo import item_activity, user_activity
from feature_repo.online import Row
from feature_repo.vocabulary import ACTION_CODE, ACTIONS
from streaming.columns import one_by_one
from streaming.events import Interaction, epoch_ms
from streaming.item_shard import item_events, item_parts
from streaming.ledger import HISTORY_LOG, record_item
from streaming.loop_state import Constants, Steps, new_counters, new_lists, new_state
from streaming.loops import advance_users, compiled
from streaming.parts import rows_of
from streaming.plain_loop import Users
from streaming.ranked import categories_of, ranked
from streaming.rows import TrackedItem, item_row, online_item_row, online_user_row
from streaming.user_shard import user_events, user_parts
from tests.fakes import as_logged

T = 1_750_000_000_000
DAY = 86_400_000
ITEMS = ["10", "9", "é", "a", "b", "A"]
MANY = [f"c{number:02d}" for number in range(40)]  # more than a user keeps

moments = st.integers(0, 5).map(lambda days: T + days * DAY) | st.integers(T, T + 40 * DAY)
actions = st.sampled_from(ACTIONS)
events = st.fixed_dictionaries(
    {
        "event_id": st.none() | st.integers(0, 150).map(str),
        "user_id": st.sampled_from(["1", "2", "é"]),
        "item_id": st.sampled_from(ITEMS),
        "action": actions,
        "timestamp": moments,
        "value": st.none() | st.floats(0, 5),
        "request_id": st.none() | st.just("r1"),
        "position": st.none() | st.integers(0, 9),
        "context": st.none() | st.just({}) | st.just({"query": "tea", "device": "phone", "gone": None}),
    }
)
categories = st.dictionaries(st.sampled_from(ITEMS), st.lists(st.sampled_from(MANY), max_size=20))
Fields = dict[str, Any]


class Items:
    """States of items while their history passes by."""

    def __init__(self) -> None:
        self.states: dict[str, TrackedItem] = {}

    def advance(self, position: int, event: Interaction) -> Row:
        """The item's row after one more event."""
        item, when = self.states.get(event.item_id, TrackedItem()), epoch_ms(event.timestamp, 0, "timestamp")
        advanced = TrackedItem(
            item_activity.advance(item.activity, event.action, when),
            record_item(item.ledger, HISTORY_LOG, 0, position, when),
        )
        self.states[event.item_id] = advanced
        return item_row(event.item_id, advanced)


def spooled(history: list[Fields]) -> Any:
    def refuse(number: int, reason: str, _: Any) -> None:
        raise AssertionError(f"{number}: {reason}")

    return pa.Table.from_batches([one_by_one(enumerate(history), refuse)])


def catalogue(of_item: dict[str, list[str]]) -> Any:
    types = {"item_id": pa.string(), "categories": pa.list_(pa.string())}
    return pa.table([list(of_item), list(of_item.values())], schema=pa.schema(types))


def distinct(history: list[Fields]) -> Iterator[tuple[int, Interaction]]:
    """In time order, as the stream would see them; the first of each user's event ids."""
    seen = set()
    for number, fields in sorted(enumerate(history), key=lambda pair: pair[1]["timestamp"]):
        event_id = fields["event_id"] or f"history-{number}"
        if (fields["user_id"], event_id) not in seen:
            seen.add((fields["user_id"], event_id))
            yield number, Interaction(**fields | {"event_id": event_id})


def comparable(rows: list[Row]) -> list[Any]:
    """Rows with all their numbers, in an order of their own."""
    plain = [(row.entity_id, row.stamp, sorted(as_logged(row.values).items())) for row in rows]
    return sorted(plain, key=repr)


@settings(max_examples=150, deadline=None)
@given(st.lists(events, min_size=1, max_size=200), categories, st.integers(1, 50))
def test_a_shard_of_users_gives_what_the_stream_writes(
    history: list[Fields], of_item: dict[str, list[str]], rows: int
) -> None:
    in_order, twice = user_events(spooled(history), catalogue(of_item))
    parts = list(user_parts(in_order, rows))
    users = Users(of_item)
    expected = [users.advance(*each) for each in distinct(history)]
    assert len(twice) == len(history) - len(expected)
    assert comparable([row for part in parts for row in rows_of(part.activity)]) == comparable([a for a, _ in expected])
    assert comparable([row for part in parts for row in rows_of(part.interactions)]) == comparable(
        [b for _, b in expected]
    )
    last = {row.entity_id: row for row, _ in expected}
    online = [online_user_row(last[user_id], state) for user_id, state in users.states.items()]
    assert comparable([row for part in parts for row in part.last]) == comparable(online)


@settings(max_examples=100, deadline=None)
@given(st.lists(events, min_size=1, max_size=200), st.integers(1, 50))
def test_a_shard_of_items_gives_what_the_stream_writes(history: list[Fields], rows: int) -> None:
    table = spooled(history)
    _, twice = user_events(table, catalogue({}))
    parts = list(item_parts(item_events(table.select(["number", "item_id", "action", "timestamp"]), twice), rows))
    items = Items()
    expected = [items.advance(*each) for each in distinct(history)]
    assert comparable([row for part in parts for row in rows_of(part.activity)]) == comparable(expected)
    last = {row.entity_id: row for row in expected}
    online = [online_item_row(last[item_id], state) for item_id, state in items.states.items()]
    assert comparable([row for part in parts for row in part.last]) == comparable(online)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ITEMS), actions, moments), min_size=1, max_size=200), categories)
def test_the_loop_puts_late_events_where_the_stream_puts_them(
    visits: list[tuple[str, str, int]], of_item: dict[str, list[str]]
) -> None:
    items = ranked(pa.array([item for item, _, _ in visits]))
    own = categories_of(items.names, catalogue(of_item))
    codes, times = pa.array([ACTION_CODE[each] for _, each, _ in visits]), pa.array([when for _, _, when in visits])
    steps = Steps(items.codes * 0, items.codes, codes.to_numpy(), times.to_numpy())
    state, counters, lists = new_state(20), new_counters(len(visits)), new_lists(len(visits))
    advance_users(steps, own.ends, own.codes, Constants(), state, counters, lists)
    activity = user_activity.UserActivity()
    for row, (item_id, action, when) in enumerate(visits):
        activity = user_activity.advance(activity, item_id, action, when, of_item.get(item_id, ()))
        assert counters.counts[:, row].tolist() == [list(each) for each in activity.counts]
        history, liked = slice(*lists.history_ends[row : row + 2]), slice(*lists.category_ends[row : row + 2])
        assert items.names.take(pa.array(lists.item_ids[history])).to_pylist() == list(activity.item_ids)
        assert lists.actions[history].tolist() == list(activity.actions)
        assert lists.timestamps[history].tolist() == list(activity.timestamps)
        assert own.names.take(pa.array(lists.categories[liked])).to_pylist() == list(activity.categories)
        assert lists.weights[liked].tolist() == list(activity.categories.values())
        assert lists.session_events[row] == user_activity.session_events(activity.timestamps)


def test_a_click_rate_of_arrays_is_that_of_numbers() -> None:
    history = [{"user_id": "1", "item_id": "a", "action": action, "timestamp": T} for action in ACTIONS for _ in "123"]
    [part] = item_parts(item_events(spooled(history), []), 100)  # type: ignore[arg-type]
    assert part.last[0].values["item_ctr_7d"] == item_activity.smoothed_ctr(3.0, 3.0)


def test_loops_are_compiled_where_nothing_can_be_kept_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit(function: Any = None, cache: bool = False) -> Any:
        def refuse(_: Any) -> Any:
            raise RuntimeError("cannot cache function: no locator available")

        return refuse if cache else function

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(abs)(-3) == 3
