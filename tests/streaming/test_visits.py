"""Columns of histories without forgotten items: the same as the histories one by one."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from feature_repo import user_activity
from feature_repo.online import Row
from feature_repo.user_activity import UserActivity, from_row, to_row, without
from streaming.offline_log import SCHEMAS, _arrow
from streaming.visits import held, rows_by_item, without_visits
from tests.fakes import as_logged

T = 1_750_000_000_000
drawn = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["click", "impression"]), st.integers(T, T + 9))),
    max_size=6,
)


def activity(events: list[tuple[str, str, int]]) -> UserActivity:
    state = UserActivity()
    for item_id, action, when in events:
        state = user_activity.advance(state, item_id, action, when)
    return state


def table_of(states: list[UserActivity]) -> Any:
    rows = [Row(f"u{number % 3}", number, to_row(state)) for number, state in enumerate(states)]
    return _arrow(SCHEMAS["user_activity"], rows)


@given(drawn, st.dictionaries(st.sampled_from("abx"), st.integers(T, T + 9), min_size=1))
def test_every_row_is_its_history_without_the_item_and_all_else_stays(
    histories: list[list[tuple[str, str, int]]], void: dict[str, int]
) -> None:
    states = [activity(events) for events in histories]
    table = table_of(states)
    left = without_visits(table, void)
    assert left.schema == table.schema and len(left) == len(table)
    expected = [as_logged(to_row(without(state, void))) for state in states]
    known = {"user_id", "event_timestamp", "created"}
    assert [{name: row[name] for name in row if name not in known} for row in left.to_pylist()] == expected
    assert left.select(sorted(known)) == table.select(sorted(known))
    assert held([left], void) == []


@given(drawn, st.dictionaries(st.sampled_from("abx"), st.integers(T, T + 9), min_size=1))
def test_the_holders_of_an_item_are_found(histories: list[list[tuple[str, str, int]]], void: dict[str, int]) -> None:
    states = [activity(events) for events in histories]
    wanted = [
        (f"u{number % 3}", frozenset(visit.item_id for visit in state.history if visit not in left.history))
        for number, state in enumerate(states)
        if (left := without(state, void)) is not state
    ]
    assert held([table_of(states)], void) == wanted
    assert rows_by_item(wanted) == {
        item: sum(item in items for _, items in wanted) for _, each in wanted for item in each
    }


def test_rows_of_an_earlier_version_keep_their_columns_and_gaps() -> None:
    table = table_of([activity([("a", "click", T)]), UserActivity(), activity([("b", "click", T)])])
    for name in ("history_item_ids", "history_actions", "history_timestamps"):
        number = table.column_names.index(name)
        gap = pa.array([None, None, table[name][2].as_py()], table.schema.field(number).type)
        table = table.set_column(number, table.schema.field(number), gap)
    table = table.drop_columns("user_session_events")
    left = without_visits(table, {"b": T})
    assert left.schema == table.schema
    assert left["history_item_ids"].to_pylist() == [None, None, []]
    assert from_row(left.to_pylist()[2] | {"user_session_events": 0}).history == ()
