"""What each source finds, and for whom it finds nothing."""

import numpy as np
import pytest

from feature_repo.inputs import ACTIVITY_TTL_MS
from feature_repo.neighbours import Neighbours
from feature_repo.vocabulary import HALF_LIVES
from serving.candidates import new, popular, similar, together, trending, typed, unfinished
from serving.candidates.met import met
from serving.candidates.retrieval import SOURCES
from serving.candidates.trending import surprise
from serving.settings import ServingSettings
from tests.serving.candidates.worlds import DAY, HOUR, NOW, asked, named, table_of, turned, wanted


def test_every_source_has_a_quota_and_every_quota_a_source() -> None:
    assert set(SOURCES) == set(ServingSettings().quotas)


@pytest.mark.parametrize("name", ["query", "continue", "similar", "together"])
def test_a_personal_source_finds_nothing_for_who_was_never_seen(name: str) -> None:
    assert SOURCES[name].find(asked(table_of(a=0, b=90)), 10).tolist() == []


def test_similar_items_point_where_the_user_does() -> None:
    table = table_of(met=0, near=10, far=80, opposite=180)
    assert named(table, similar.find(asked(table, ("met", "click")), 3)) == ["met", "near", "far"]


def test_what_was_met_last_counts_most() -> None:
    table = table_of(old=0, new=90, by_old=5, by_new=85)
    found = named(table, similar.find(asked(table, ("old", "click"), ("new", "click")), 4))
    assert found.index("by_new") < found.index("by_old")


def test_what_was_dismissed_draws_nobody() -> None:
    table = table_of(bad=0, near=10)
    assert similar.find(asked(table, ("bad", "dismiss")), 3).tolist() == []
    assert together.find(asked(table, ("bad", "dismiss")), 3).tolist() == []


def test_a_query_finds_what_is_near_its_vector() -> None:
    table = table_of(a=0, b=90)
    assert named(table, typed.find(asked(table, query=turned(80)), 1)) == ["b"]
    assert typed.find(asked(table, query=turned(0) * 0), 1).tolist() == []


def lists(*of_each: list[int]) -> Neighbours:
    """Company of each item, by place; the lists of like texts are empty."""
    rows = np.full((2, len(of_each), 2), -1, np.int32)
    for place, near in enumerate(of_each):
        rows[0, place, : len(near)] = near
    return Neighbours(rows, np.where(rows >= 0, np.float32(0.5), np.float32(0)))


def test_company_of_what_was_met_comes_by_how_often_and_how_lately_it_is_named() -> None:
    table = table_of(a=0, b=90, c=45, d=200, e=300)
    near = lists([2, 3], [3, 4], [], [], [])
    found = together.find(asked(table, ("a", "click"), ("b", "click"), neighbours=near), 10)
    assert named(table, found) == ["d", "e", "c"]


def test_an_item_without_a_list_is_joined_by_its_nearest_vectors() -> None:
    table = table_of(a=0, b=90)
    table.put_vectors(["fresh", "twin"], np.stack([turned(200), turned(201)]), 7)
    found = together.find(asked(table, ("a", "click"), ("fresh", "click"), neighbours=lists([1], [0])), 10)
    assert "twin" in named(table, found) and "b" in named(table, found)
    assert "fresh" not in named(table, found) and "a" not in named(table, found)


def test_popular_items_come_by_what_was_done_with_them() -> None:
    table = table_of(seen=0, bought=1, nothing=2, hated=3)
    wanted(table, "seen", impression=(0, 90, 90), view=(0, 9, 9))
    wanted(table, "bought", purchase=(0, 2, 2))
    wanted(table, "hated", dismiss=(0, 2, 2))
    assert named(table, popular.find(asked(table), 10)) == ["bought", "seen", "nothing", "hated"]


def test_popularity_fades_with_time_and_with_the_ttl() -> None:
    columns = {
        "item_actions_1d": np.array([[0, 0, 8.0, 0, 0, 0, 0, 0]] * 3),
        "item_activity_at": np.array([NOW, NOW - HALF_LIVES["1d"], NOW - ACTIVITY_TTL_MS - 1]),
    }
    assert popular.demand(columns, "1d", NOW).tolist() == [8.0, 4.0, 0.0]


def test_where_nobody_did_anything_the_newest_are_popular() -> None:
    table = table_of(a=0, b=1, c=2)
    table.put_content("b", {"item_published_at": NOW - DAY})
    assert named(table, popular.find(asked(table), 10))[0] == "b"


def test_trending_is_what_its_week_did_not_let_expect() -> None:
    table = table_of(steady=0, surging=1, single=2)
    steady = 168.0
    wanted(table, "steady", click=(1.0, 24.0, steady))
    wanted(table, "surging", click=(9.0, 9.0, 10.0))
    wanted(table, "single", click=(0.5, 1.0, 1.0))
    assert named(table, trending.find(asked(table), 10)) == ["surging"]
    assert surprise(np.array([1.0]), np.array([steady])).tolist() == [0.0]


def test_new_items_come_newest_first_and_none_before_its_day() -> None:
    table = table_of(old=0, newer=1, newest=2, future=3, unknown=4)
    for item_id, at in {"old": NOW - 40 * DAY, "newer": NOW - 2 * DAY, "newest": NOW - DAY, "future": NOW + 1}.items():
        table.put_content(item_id, {"item_published_at": at})
    assert named(table, new.find(asked(table), 10)) == ["newest", "newer"]


def test_one_goes_on_where_one_left_but_not_with_what_is_done() -> None:
    table = table_of(viewed=0, bought=1, carted=2, rated=3)
    history = [("viewed", "view"), ("bought", "click"), ("bought", "purchase"), ("carted", "cart"), ("rated", "rating")]
    assert named(table, unfinished.find(asked(table, *history), 10)) == ["carted", "viewed"]
    assert unfinished.find(asked(table, *history, since=8 * DAY), 10).tolist() == []


def test_a_history_past_its_ttl_is_nobodys() -> None:
    table = table_of(a=0)
    row = {
        "user_activity_at": NOW - ACTIVITY_TTL_MS - 1,
        "history_item_ids": ["a"],
        "history_actions": [3],
        "history_timestamps": [NOW],
    }
    assert met(row, table, NOW).rows.tolist() == []
    assert met(row | {"user_activity_at": NOW - HOUR, "history_item_ids": ["x"]}, table, NOW).rows.tolist() == []


def test_hidden_items_are_gone_from_the_lists_at_once() -> None:
    table = table_of(a=0, b=1)
    who = asked(table)
    table.put_content("a", {"item_available": False})
    assert named(table, popular.find(who, 10)) == ["b"]
