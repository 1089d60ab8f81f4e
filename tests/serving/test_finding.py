"""Which candidates a request finds: what its surface would drop is none, and a filter reaches the whole catalogue."""

from typing import Any

import numpy as np
import pytest

from feature_repo.vocabulary import ACTION_CODE
from serving.candidates.gather import Gathered
from serving.finding import added, pinned
from serving.settings import ServingSettings
from tests.serving.fakes import FakeUsers, World, catalogue_of
from tests.serving.test_recommend_route import history, order, recommend


def test_what_the_user_is_done_with_is_no_candidate() -> None:
    world = World(users=FakeUsers({"u": history("a", action=ACTION_CODE["purchase"])}))
    assert order(recommend(world)[1]) == ["b", "c"]
    assert world.rankings.answered[0].item_ids.count("a") == 0


def many(**settings: Any) -> World:
    """A hundred items of which the two that are popular last are blue."""
    world = World(catalogue=catalogue_of(*map(str, range(100))), settings=ServingSettings(**settings))
    for item_id in ("98", "99"):
        row = {"item_attributes": ["colour=blue"], "event_timestamp": 1}
        world.catalogue.put("item_content", item_id, row)
    return world


def test_a_filter_finds_what_no_source_came_up_with() -> None:
    answer = recommend(many(recommend_candidates=2), k=2, filter='colour == "blue"')[1]
    assert order(answer) == ["98", "99"] and answer["degraded"] == []


def test_what_a_filter_finds_for_a_known_user_is_near_them() -> None:
    world = many(recommend_candidates=2)
    world.users = FakeUsers({"u": history("5")})
    answer = recommend(world, k=1, filter='colour == "blue"')[1]
    assert {place["source"] for place in answer["items"]} <= {"catalogue", "similar", "popular"} and order(answer) == [
        "98"
    ]


def test_whoever_excludes_what_is_popular_gets_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.candidates.lists.KEPT", 5)
    answer = recommend(many(), k=2, exclude=list(map(str, range(90))))[1]
    assert order(answer) == ["90", "91"]


def test_a_filter_that_nothing_satisfies_has_an_empty_answer() -> None:
    status, answer = recommend(many(), filter='colour == "blue" and item_id == "1"')
    assert (status, answer["items"]) == (200, [])


def everything(rows: Any) -> Any:
    return np.ones(len(rows), bool)


FOUND = Gathered(np.array([3, 4]), ["similar", "new"], [])


def test_further_rows_come_once_and_up_to_the_size() -> None:
    more = added(FOUND, np.array([4, 5, 6, 7]), "catalogue", 4)
    assert more.rows.tolist() == [3, 4, 5, 6] and more.sources == ["similar", "new", "catalogue", "catalogue"]
    assert added(FOUND, np.array([9]), "catalogue", 1).rows.tolist() == [3, 4]


def test_pinned_items_are_candidates_where_they_may_be() -> None:
    assert pinned(FOUND, np.array([-1, 3, 8]), everything).rows.tolist() == [3, 4, 8]
    assert pinned(FOUND, np.array([8]), lambda rows: rows < 8).rows.tolist() == [3, 4]
    assert pinned(FOUND, np.zeros(0, np.int64), everything) is FOUND
