"""Feature rows -> the ranker's tensors."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo import item_activity, user_activity
from feature_repo.buckets import attribute_buckets
from feature_repo.features import ITEM_BOOKS, USER_BOOKS, VIEWS, ranking_v1
from feature_repo.inputs import (
    ACTIVITY_TTL_MS,
    Array,
    expired,
    feature_names,
    hour_of,
    item_attribute_buckets,
    item_inputs,
    tensors,
    user_affinity,
    user_inputs,
    weekday_of,
    with_defaults,
)
from feature_repo.item_table import ItemTable
from feature_repo.neighbours import nearness
from feature_repo.vocabulary import ACTIONS, HALF_LIVES, HISTORY_LENGTH, SESSION_GAP, VECTOR_SIZE

T = 1_750_000_000_000  # Sunday, 2025-06-15 15:06:40 UTC
CLICK = ACTIONS.index("click")
HOUR = 3_600_000


def vectors(item_ids: Sequence[str]) -> Array:
    """An item's vector repeats the number in its id."""
    return np.repeat(np.array([float(item_id) for item_id in item_ids], np.float32)[:, None], VECTOR_SIZE, 1)


def activity_row(*visits: tuple[str, str, int]) -> dict[str, Any]:
    activity = user_activity.UserActivity()
    for item_id, action, timestamp in visits:
        activity = user_activity.advance(activity, item_id, action, timestamp, ["drama"])
    return user_activity.to_row(activity)


def catalogue(now: int = T) -> ItemTable:
    table = ItemTable()
    for number in range(5):
        activity = item_activity.ItemActivity()
        for step in range(number):
            activity = item_activity.advance(activity, ACTIONS[step % 3], now - step * HOUR - ACTIVITY_TTL_MS // 2)
        if number:
            table.put_activity(str(number), item_activity.to_row(activity))
        content = {"item_categories": ["drama", "war"][: number % 3], "item_published_at": (now - number * HOUR * 24)}
        table.put_content(str(number), content if number else {})
        table.put_vectors([str(number)], vectors([str(number)]))
    return table


def all_inputs(now: int = T) -> dict[str, Array]:
    table, row = catalogue(), activity_row(("1", "click", T - HOUR))
    taken = table.take(table.rows(["0", "1", "2"]))
    affinity = user_affinity(row, table.category_codes, len(table.category_codes) + 1)
    user = user_inputs({"user_attributes": ["age=30"]}, row, now, table.vectors)
    near = nearness(None, np.zeros(1, int), np.arange(3))
    model = {"item_vectors": taken["item_vectors"], "user_item_near": near}
    return user | item_inputs(taken, affinity, now) | model


def test_the_inputs_are_exactly_the_tensors_of_ranking_v1() -> None:
    filled = {name: (tuple(3 if size == "N" else size for size in shape), dtype) for name, shape, dtype in tensors()}
    assert {name: (array.shape, array.dtype.name) for name, array in all_inputs().items()} == filled


def test_every_tensor_has_one_name() -> None:
    assert len({tensor.name for tensor in tensors()}) == len(tensors())


def test_no_ledger_and_no_availability_reaches_the_model() -> None:
    seen = {name for projection in ranking_v1.feature_view_projections for name in feature_names(projection.name)}
    everything = {field.name for view in VIEWS for field in view.features}
    assert everything - seen == {*USER_BOOKS, *ITEM_BOOKS, "item_available"}


def test_a_history_is_aligned_right() -> None:
    inputs = user_inputs({}, activity_row(("7", "view", T - 5000), ("9", "click", T - 2000)), T, vectors)
    assert inputs["history_vectors"][-2:, 0].tolist() == [7, 9]
    assert inputs["history_actions"][-3:].tolist() == [0, 2, 3]
    assert inputs["history_gaps"][-3:].tolist() == [0, 5, 2]
    assert not inputs["history_vectors"][:-2].any()


def test_a_full_history_fills_every_place() -> None:
    row = activity_row(*((str(n), "view", T + n) for n in range(HISTORY_LENGTH + 3)))
    inputs = user_inputs({}, row, T + 100, vectors)
    assert inputs["history_vectors"][:, 0].tolist() == [*range(3, HISTORY_LENGTH + 3)]
    assert inputs["history_actions"].all()


def test_an_unknown_user_reads_as_the_defaults() -> None:
    inputs = user_inputs({}, {}, T, vectors)
    assert not any(inputs[name].any() for name in inputs if not name.startswith("request_"))


def test_the_request_brings_its_hour_and_weekday_in_utc() -> None:
    inputs = user_inputs({}, {}, T, vectors)
    assert (inputs["request_hour"].tolist(), inputs["request_weekday"].tolist()) == ([15], [6])


@given(st.lists(st.integers(-(10**13), 10**14)))
def test_hours_and_weekdays_are_those_of_the_calendar(times: list[int]) -> None:
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at) for at in times]
    assert [(hour_of(at), weekday_of(at)) for at in times] == [(each.hour, each.weekday()) for each in moments]
    of_all = np.array(times, np.int64)
    assert hour_of(of_all).tolist() == [each.hour for each in moments]
    assert weekday_of(of_all).tolist() == [each.weekday() for each in moments]


def test_activity_past_its_ttl_reads_as_no_activity() -> None:
    row, later = activity_row(("7", "click", T)), T + ACTIVITY_TTL_MS + 1
    for name, array in user_inputs({}, row, later, vectors).items():
        assert array.tolist() == user_inputs({}, {}, later, vectors)[name].tolist()
    assert user_inputs({}, row, later - 1, vectors)["history_actions"].any()
    assert [expired(T, later - 1), expired(T, later)] == [False, True]


@pytest.mark.parametrize("window", HALF_LIVES)
def test_a_users_counters_are_read_at_the_time_of_the_request(window: str) -> None:
    inputs = user_inputs({}, activity_row(("7", "click", T)), T + HALF_LIVES[window], vectors)
    assert inputs[f"user_actions_{window}"][CLICK] == pytest.approx(0.5)


def test_a_session_that_ended_has_no_events() -> None:
    row = activity_row(("7", "click", T - 1000), ("8", "click", T))
    lengths = [
        user_inputs({}, row, T + wait, vectors)["user_session_events"].item() for wait in (SESSION_GAP, SESSION_GAP + 1)
    ]
    assert lengths == [2, 0]


def test_a_missing_value_and_a_null_read_as_the_fields_default() -> None:
    row = with_defaults("item_content", {"item_title": None, "item_text": "words"})
    assert (row["item_title"], row["item_text"], row["item_available"]) == ("", "words", True)
    assert with_defaults("item_activity", {})["item_ctr_7d"] == 0.05


def test_an_attribute_always_falls_into_the_same_bucket_and_never_into_that_of_none() -> None:
    buckets = attribute_buckets(["brand=acme", "age=30"])
    assert buckets.tolist() == [2695, 2874, 0, 0, 0, 0, 0, 0]
    assert attribute_buckets([f"a={n}" for n in range(50)]).all()


def test_an_items_categories_come_before_its_other_attributes() -> None:
    assert (
        item_attribute_buckets(["war"], ["year=1999"]).tolist()
        == attribute_buckets(["category=war", "year=1999"]).tolist()
    )


def test_item_inputs_equal_a_loop_over_single_items() -> None:
    table, affinity = catalogue(), np.array([0, 0.75, 0.25], np.float32)
    now = T + ACTIVITY_TTL_MS // 2
    together = item_inputs(table.take(np.arange(5)), affinity, now)
    for row in range(5):
        alone = item_inputs(table.take(np.array([row])), affinity, now)
        for name, array in together.items():
            assert array[row].tolist() == alone[name][0].tolist()


@pytest.mark.parametrize("now", [T, T + 3 * HOUR + 7, T + ACTIVITY_TTL_MS, T + 2 * ACTIVITY_TTL_MS])
def test_counters_are_the_same_window_by_window_and_all_at_once(now: int) -> None:
    table, affinity = catalogue(), np.array([0, 0.75, 0.25], np.float32)
    together = table.take(np.arange(5))
    windows = {f"item_actions_{window}": table.column(f"item_actions_{window}")[:5] for window in HALF_LIVES}
    apart = {name: column for name, column in together.items() if name != "item_actions"} | windows
    once, one_by_one = item_inputs(together, affinity, now), item_inputs(apart, affinity, now)
    for name in windows:
        assert once[name].dtype == one_by_one[name].dtype
        assert once[name].tolist() == one_by_one[name].tolist()


def test_item_inputs_equal_what_the_rows_say() -> None:
    table, affinity = catalogue(), np.array([0, 0.75, 0.25], np.float32)
    inputs = item_inputs(table.take(np.arange(5)), affinity, T)
    assert inputs["item_age_days"].tolist() == [0, 1, 2, 3, 4]
    assert inputs["user_item_affinity"].tolist() == [0, 0.75, 1, 0, 0.75]
    age = ACTIVITY_TTL_MS // 2
    assert inputs["item_actions_7d"][1][0] == pytest.approx(2 ** (-age / HALF_LIVES["7d"]))
    assert inputs["item_actions_7d"][0].tolist() == [0] * len(ACTIONS)


def test_an_item_whose_activity_expired_reads_as_one_nobody_met() -> None:
    table = catalogue()
    inputs = item_inputs(table.take(np.arange(5)), np.zeros(3, np.float32), T + 2 * ACTIVITY_TTL_MS)
    assert not inputs["item_actions_7d"].any()
    assert inputs["item_ctr_7d"] == pytest.approx(np.full(5, 0.05))


def test_every_candidate_may_have_its_own_time() -> None:
    table, times = catalogue(), np.array([T, T + HOUR, T + 2 * HOUR])
    together = item_inputs(table.take(np.array([2, 2, 2])), np.zeros(3, np.float32), times)
    for place, now in enumerate(times.tolist()):
        alone = item_inputs(table.take(np.array([2])), np.zeros(3, np.float32), now)
        assert together["item_actions_1h"][place].tolist() == alone["item_actions_1h"][0].tolist()


def test_an_item_published_before_1970_is_old_and_not_new() -> None:
    table = ItemTable()
    table.put_content("metropolis", {"item_published_at": -1_354_320_000_000})  # 1927
    inputs = item_inputs(table.take(np.array([0])), np.zeros(1, np.float32), T)
    assert inputs["item_age_days"].item() > 35_000


def test_affinity_is_the_users_share_of_attention_per_category() -> None:
    row = {"user_categories": ["drama", "war", "new"], "user_category_weights": [3.0, 0.5, 0.5]}
    assert user_affinity(row, {"drama": 1, "war": 2}, 3).tolist() == [0, 0.75, 0.125]


def test_a_user_nobody_knows_leans_nowhere() -> None:
    assert not user_affinity({}, {"drama": 1}, 2).any()
