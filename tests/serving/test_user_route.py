"""What GET /v1/users/{user_id} tells."""

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from feature_repo import user_activity
from feature_repo.item_table import ItemTable
from feature_repo.user_activity import UserActivity, advance
from feature_repo.vocabulary import ACTIONS, HALF_LIVES
from serving.errors import OnlineStoreUnavailable
from serving.known_user import known_user
from serving.user_features import UserRows
from tests.serving.fakes import FakeUsers, World, api

NOW = 1_770_000_000_000
HOUR = HALF_LIVES["1h"]
PROFILE = {"user_attributes": ["country=CH"], "event_timestamp": (NOW - 2 * HOUR) * 1000}


def acted(*events: tuple[str, str, int]) -> dict[str, Any]:
    """The row of a user who did this: item, action, epoch ms."""
    activity = UserActivity()
    for item_id, action, at in events:
        activity = advance(activity, item_id, action, at, ["drama"] if item_id == "a" else ["war"])
    return user_activity.to_row(activity) | {"event_timestamp": NOW * 1000}


def told(world: World, user_id: str = "u") -> tuple[int, Any]:
    with api(world) as client:
        answer = client.get(f"/v1/users/{user_id}")
        return answer.status_code, answer.json()


def titled(**titles: str) -> ItemTable:
    table = ItemTable()
    for item_id, title in titles.items():
        table.put_content(item_id, {"item_title": title})
    return table


def test_features_are_told_with_their_times() -> None:
    row = acted(("a", "click", NOW - HOUR), ("b", "purchase", NOW - HOUR))
    known = known_user("u", UserRows(PROFILE, row), titled(), NOW)
    assert known and known.read_at == "2026-02-02T02:40:00.000Z" and not known.expired
    assert known.features["user_actions_1h"].value == {"click": 0.5, "purchase": 0.5}
    assert known.features["user_categories"].value == {"drama": 0.5, "war": 0.5}
    assert {known.features[name].at for name in ("user_actions_1d", "user_categories")} == {"2026-02-02T01:40:00.000Z"}
    profile = known.features["user_attributes"]
    assert (profile.value, profile.at) == (["country=CH"], "2026-02-02T00:40:00.000Z")


def test_the_history_is_told_newest_first_with_the_titles_there_are() -> None:
    row = acted(("a", "click", NOW - HOUR), ("b", "like", NOW))
    known = known_user("u", UserRows({}, row), titled(a="Metropolis"), NOW)
    assert known and [(each.item_id, each.title, each.action) for each in known.history] == [
        ("b", "", "like"),
        ("a", "Metropolis", "click"),
    ]
    assert known.history[1].at == "2026-02-02T01:40:00.000Z"


def test_a_session_that_ended_has_no_events() -> None:
    row = acted(("a", "click", NOW))
    sessions = [known_user("u", UserRows({}, row), titled(), now) for now in (NOW, NOW + HOUR)]
    assert [each.features["user_session_events"].value for each in sessions if each] == [1, 0]


def test_a_user_of_long_ago_is_said_to_be_expired() -> None:
    known = known_user("u", UserRows({}, acted(("a", "click", NOW))), titled(), NOW + 91 * 24 * HOUR)
    assert known and known.expired and known.features["user_actions_7d"].value == {}


events = st.tuples(st.sampled_from("ab"), st.sampled_from(ACTIONS), st.integers(NOW - 9 * HOUR, NOW))


@given(st.lists(events, min_size=1))
def test_shares_make_one_and_no_counter_is_above_its_count(events: list[tuple[str, str, int]]) -> None:
    known = known_user("u", UserRows({}, acted(*events)), titled(), NOW)
    assert known and abs(sum(known.features["user_categories"].value.values()) - 1) < 0.02
    for name in HALF_LIVES:
        assert all(0 < count <= len(events) + 0.01 for count in known.features[f"user_actions_{name}"].value.values())


def test_what_is_known_of_a_user_is_told() -> None:
    now = time.time_ns() // 1_000_000
    status, answer = told(World(users=FakeUsers({"u": UserRows(PROFILE, acted(("a", "click", now)))})))
    assert (status, answer["user_id"], answer["history"][0]["item_id"]) == (200, "u", "a")
    assert answer["request_id"]


def test_a_session_can_be_asked_for_too() -> None:
    world = World(users=FakeUsers({"session:s": UserRows({}, acted(("a", "click", NOW)))}))
    assert told(world, "session:s")[0] == 200


def test_nobody_is_told_of_someone_who_was_never_heard_of() -> None:
    status, answer = told(World())
    assert (status, answer["error"]["code"]) == (404, "not_known")


def test_a_user_whose_rows_were_emptied_is_not_known() -> None:
    emptied = UserRows({"user_attributes": [], "event_timestamp": 1}, {"user_activity_at": 0, "event_timestamp": 1})
    assert told(World(users=FakeUsers({"u": emptied})))[0] == 404


def test_without_the_online_store_the_caller_is_told_to_try_again() -> None:
    status, answer = told(World(users=FakeUsers(error=OnlineStoreUnavailable("away"))))
    assert (status, answer["error"]["code"]) == (503, "online_store_unavailable")
