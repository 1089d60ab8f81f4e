"""Whole columns against the one path that serving uses, row by row."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import settings as searched
from hypothesis import strategies as st

from feature_repo.context import from_json
from feature_repo.inputs import ACTIVITY_TTL_MS, user_affinity
from feature_repo.user_activity import UserActivity, advance, to_row
from feature_repo.vocabulary import ACTIONS, HISTORY_LENGTH
from training.queries import Queries
from training.samples import user_arrays
from training.user_columns import affinities, user_columns

NOW = 1_790_000_000_000
INDEX = {"a": 0, "b": 1}
CODES = {"x": 1, "y": 2}
SCHEMA = pa.schema(
    [
        ("user_attributes", pa.list_(pa.string())),
        ("history_item_ids", pa.list_(pa.string())),
        ("history_actions", pa.list_(pa.int64())),
        ("history_timestamps", pa.list_(pa.int64())),
        *((f"user_actions_{window}", pa.list_(pa.float64())) for window in ("1h", "1d", "7d")),
        ("user_activity_at", pa.int64()),
        ("user_session_events", pa.int64()),
        ("user_categories", pa.list_(pa.string())),
        ("user_category_weights", pa.list_(pa.float64())),
        ("context", pa.string()),
    ]
)
ages = st.sampled_from([0, 1, 1000, 1_800_000, 1_800_001, 90_000_000, ACTIVITY_TTL_MS, ACTIVITY_TTL_MS + 1])
events = st.tuples(
    st.sampled_from(["a", "b", "gone"]), st.sampled_from(ACTIONS), ages, st.sampled_from(["x", "y", "z"])
)
users = st.tuples(
    st.one_of(st.none(), st.lists(events, max_size=5)),
    st.booleans(),
    st.sampled_from([None, [], ["age=3"], ["age=3", "sex=f"]]),
    st.sampled_from([None, "", json.dumps({"device": "tv", "query": "tea cup"}), json.dumps({"query": "unmet"})]),
)


def row(met: list[Any] | None, long: bool, attributes: list[str] | None, context: str | None) -> dict[str, Any]:
    """A label row as Feast joins it: all nulls for a user that was never seen."""
    found: dict[str, Any] = {"user_attributes": attributes, "context": context}
    activity = UserActivity()
    for item, action, age, category in (met or []) * (20 if long else 1):
        activity = advance(activity, item, action, NOW - age, [category])
    return found | ({} if met is None else to_row(activity))


def look_up(item_ids: Any) -> Any:
    return np.array([[INDEX.get(item_id, -1) + 1] for item_id in item_ids], np.float32).reshape(-1, 1)


@searched(max_examples=60, deadline=None)
@given(st.lists(users, min_size=1, max_size=6))
def test_whole_columns_are_what_serving_makes_of_each_row(some: list[Any]) -> None:
    rows, queries = [row(*each) for each in some], Queries(["tea cup"])
    table = pa.Table.from_pylist(rows, SCHEMA)
    made = user_columns(table, np.full(len(rows), NOW), INDEX, queries)
    shares = affinities(table, CODES, 3)
    for place, each in enumerate(table.to_pylist()):
        one = user_arrays(each, NOW, look_up, from_json(each["context"]), queries)
        assert set(made) == set(one)
        for name, array in one.items():
            assert made[name].dtype == array.dtype and np.array_equal(made[name][place], array), name
        known = each if each["user_activity_at"] is not None else {}
        np.testing.assert_allclose(shares[place], user_affinity(known, CODES, 3), rtol=1e-6)


def test_a_history_longer_than_the_ranker_reads_keeps_its_newest() -> None:
    count = HISTORY_LENGTH + 3
    columns = {"history_item_ids": ["a", "b"] * count, "history_actions": [2] * (2 * count)}
    long = {**to_row(UserActivity(at=NOW)), **columns, "history_timestamps": list(range(2 * count))}
    table = pa.Table.from_pylist([long], SCHEMA)
    made = user_columns(table, np.array([NOW]), INDEX, None)
    assert np.array_equal(made["history_rows"][0], user_arrays(long, NOW, look_up)["history_rows"])
