"""What POST /v1/rank answers, whatever it is asked."""

import logging
import time
from typing import Any

import numpy as np
import pytest

from feature_repo import user_activity
from feature_repo.buckets import attribute_buckets
from feature_repo.user_activity import UserActivity, advance
from feature_repo.vocabulary import ACTIONS, HALF_LIVES, VECTOR_SIZE
from serving.catalogue import Catalogue
from serving.models import NONE
from serving.settings import ServingSettings
from serving.user_features import UserRows
from tests.serving.fakes import FakeQueries, FakeUsers, World, api, catalogue_of

CLICKED = UserRows(
    {},
    {
        "user_activity_at": 4_000_000_000_000,
        "history_item_ids": ["a"],
        "history_actions": [3],
        "history_timestamps": [4_000_000_000_000],
    },
)


def rank(world: World, **body: Any) -> tuple[int, Any]:
    with api(world) as client:
        answer = client.post("/v1/rank", json={"user_id": "u"} | body)
        return answer.status_code, answer.json()


def order(answer: Any) -> list[str]:
    return [place["item_id"] for place in answer["items"]]


def test_items_come_back_by_falling_score() -> None:
    status, answer = rank(World(), items=["c", "a", "b"])
    assert (status, order(answer)) == (200, ["a", "b", "c"])
    assert [place["score"] for place in answer["items"]] == [3.0, 2.0, 1.0]
    assert answer["model_version"] == "model-1" and answer["request_id"]


def test_two_rankings_have_two_request_ids() -> None:
    assert rank(World(), items=["a"])[1]["request_id"] != rank(World(), items=["a"])[1]["request_id"]


def test_equal_scores_keep_the_callers_order() -> None:
    world = World(catalogue=catalogue_of("a", "b", "c"))
    world.catalogue.table.put_vectors(["a", "b", "c"], np.zeros((3, VECTOR_SIZE)))
    assert order(rank(world, items=["b", "c", "a"])[1]) == ["b", "c", "a"]


def test_what_a_user_did_reaches_the_ranker() -> None:
    world = World(users=FakeUsers({"u": CLICKED}))
    assert rank(world, items=["a"])[1]["items"][0]["score"] == 13.0


def test_an_anonymous_session_is_ranked_by_what_it_did() -> None:
    world = World(users=FakeUsers({"session:s": CLICKED}))
    with api(world) as client:
        answer = client.post("/v1/rank", json={"session_id": "s", "items": ["a"]}).json()
    assert answer["items"][0]["score"] == 13.0
    assert [answered.user_id for answered in world.rankings.answered] == ["session:s"]


def test_a_user_who_is_known_counts_before_the_session() -> None:
    world = World(users=FakeUsers({"u": CLICKED}))
    assert rank(world, session_id="s", items=["a"])[1]["items"][0]["score"] == 13.0


def test_the_context_of_a_request_reaches_the_ranker() -> None:
    world = World()
    assert rank(world, items=["a"], context={"device": "tv", "odd": [1], "query": " tea  cup "})[0] == 200
    assert world.ranker.inputs["request_context"].tolist() == attribute_buckets(["device=tv"]).tolist()
    assert (world.queries.texts, world.ranker.inputs["query_vector"][0]) == (["tea cup"], 7)


@pytest.mark.parametrize("context", [None, {}, {"device": "tv"}, {"query": "  "}, {"query": ["tea"]}])
def test_without_a_query_none_is_encoded(context: Any) -> None:
    world = World()
    assert rank(world, items=["a"], context=context)[0] == 200
    assert world.queries.texts == [] and not world.ranker.inputs["query_vector"].any()


def test_a_query_that_cannot_be_encoded_costs_the_ranking_its_query_alone(caplog: pytest.LogCaptureFixture) -> None:
    world = World(queries=FakeQueries(away=True))
    with caplog.at_level(logging.INFO):
        status, answer = rank(world, items=["b", "a"], context={"query": "tea", "device": "tv"})
    assert (status, order(answer)) == (200, ["a", "b"])
    assert not world.ranker.inputs["query_vector"].any() and world.ranker.inputs["request_context"].any()
    assert answer["degraded"] == ["query: not encoded"] and "query: not encoded" in caplog.text
    [answered] = world.rankings.answered
    assert answered.context == {"device": "tv"}  # what the model saw


@pytest.mark.parametrize("context", ["tv", [], 7])
def test_a_context_that_is_no_object_is_refused(context: Any) -> None:
    status, answer = rank(World(), items=["a"], context=context)
    assert (status, answer["error"]["field"]) == (422, "context")


def test_an_unknown_user_gets_a_ranking_by_what_is_known_of_the_items() -> None:
    status, answer = rank(World(), user_id="nobody", items=["b", "a"])
    assert (status, order(answer)) == (200, ["a", "b"])


def test_unknown_items_come_last_without_a_score_and_are_named() -> None:
    status, answer = rank(World(), items=["x", "b", "y", "a"])
    assert (status, order(answer)) == (200, ["a", "b", "x", "y"])
    assert [place["score"] for place in answer["items"][2:]] == [None, None]
    assert answer["unknown_items"] == ["x", "y"]


def test_unknown_items_become_wanted() -> None:
    world = World()
    rank(world, items=["x", "a"])
    assert list(world.catalogue.wanted) == ["x"]


def test_only_unknown_items_need_no_inference() -> None:
    world = World()
    assert order(rank(world, items=["x"])[1]) == ["x"]
    assert world.ranker.calls == 0


def test_hidden_items_are_left_out_and_named() -> None:
    world = World()
    world.catalogue.put("item_content", "b", {"item_available": False})
    status, answer = rank(world, items=["c", "b", "a"])
    assert (status, order(answer), answer["unavailable_items"]) == (200, ["a", "c"], ["b"])


def test_an_empty_list_gets_an_empty_ranking() -> None:
    status, answer = rank(World(), items=[])
    assert (status, answer["items"]) == (200, [])


def test_an_item_named_twice_is_ranked_once() -> None:
    assert order(rank(World(), items=["b", "a", "b"])[1]) == ["a", "b"]


def test_k_cuts_the_ranking() -> None:
    assert order(rank(World(), items=["a", "b", "c", "x"], k=2)[1]) == ["a", "b"]


def test_k_counts_unknown_items_too() -> None:
    assert order(rank(World(), items=["x", "a", "y"], k=2)[1]) == ["a", "x"]


def test_k_may_be_larger_than_the_list() -> None:
    assert order(rank(World(), items=["b", "a"], k=50)[1]) == ["a", "b"]


def test_ten_thousand_items_are_ranked() -> None:
    item_ids = [f"item-{number}" for number in range(10_000)]
    status, answer = rank(World(catalogue=catalogue_of(*item_ids)), items=item_ids[::-1])
    assert status == 200 and order(answer) == item_ids


def test_more_items_than_the_limit_are_refused_with_the_limit() -> None:
    status, answer = rank(World(settings=ServingSettings(max_candidates=2)), items=["a", "b", "c"])
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (413, "too_large", "items")
    assert "at most 2" in answer["error"]["message"]


def test_a_body_over_the_limit_is_refused() -> None:
    status, answer = rank(World(settings=ServingSettings(max_body_bytes=10)), items=["a"])
    assert (status, answer["error"]["code"]) == (413, "too_large")


def untaught() -> World:
    """A shop before its first training: a film that many click, and a western that nobody does."""
    world = World(in_use=NONE, catalogue=Catalogue())
    for item_id, categories in {"film": ["drama"], "western": ["western"]}.items():
        world.catalogue.put("item_content", item_id, {"item_title": item_id, "item_categories": categories})
    now_ms = time.time_ns() // 1_000_000
    counts = {f"item_actions_{window}": [0.0, 0.0, 9.0, *[0.0] * (len(ACTIONS) - 3)] for window in HALF_LIVES}
    world.catalogue.put("item_activity", "film", {"item_activity_at": now_ms, "item_ctr_7d": 0.1, **counts})
    return world


def test_before_the_first_model_a_stranger_gets_what_many_want() -> None:
    world = untaught()
    status, answer = rank(world, items=["western", "x", "film"])
    assert (status, order(answer), answer["unknown_items"]) == (200, ["film", "western", "x"], ["x"])
    assert (answer["model_version"], answer["degraded"]) == ("none", ["model: live popularity"])
    assert world.ranker.calls == 0
    assert [each.model_version for each in world.rankings.answered] == ["none"]


def test_before_the_first_model_what_a_user_likes_counts_already() -> None:
    activity = UserActivity()
    for number in range(30):
        activity = advance(activity, "western", "purchase", time.time_ns() // 1_000_000 + number, ["western"])
    row = {**user_activity.to_row(activity), "event_timestamp": time.time_ns() // 1000}
    world = untaught()
    world.users.rows = {"u": UserRows({}, row)}
    answer = rank(world, items=["film", "western"])[1]
    assert answer["degraded"] == ["model: light score"]
    scores = {each["item_id"]: each["score"] for each in answer["items"]}
    stranger = {each["item_id"]: each["score"] for each in rank(untaught(), items=["film", "western"])[1]["items"]}
    assert scores["western"] - stranger["western"] > 0.1 and scores["film"] == pytest.approx(stranger["film"], abs=0.01)


def test_the_next_page_goes_on_where_the_first_ended() -> None:
    items = ["x", "c", "b", "y", "a"]
    pages = [order(rank(World(), items=items, k=2, offset=offset)[1]) for offset in (0, 2, 4, 6)]
    assert pages == [["a", "b"], ["c", "x"], ["y"], []]


def test_excluded_items_are_left_out() -> None:
    assert order(rank(World(), items=["c", "a", "b"], exclude=["a", "z"])[1]) == ["b", "c"]


def test_an_answer_says_what_its_stages_took_and_that_nothing_was_lacking() -> None:
    answer = rank(World(), items=["a"])[1]
    assert set(answer["took_ms"]) == {"features", "inputs", "triton", "slate", "total"} and answer["degraded"] == []
    assert sum(answer["took_ms"].values()) <= 2 * answer["took_ms"]["total"]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ('{"user_id": 7, "items": []}', "user_id", "Expected `str | null`, got `int`"),
        ('{"items": []}', "user_id", "needs a `user_id` or a `session_id`"),
        ('{"user_id": null, "items": []}', "user_id", "needs a `user_id` or a `session_id`"),
        ('{"session_id": "", "items": []}', "session_id", "length >= 1"),
        ('{"user_id": "", "items": []}', "user_id", "length >= 1"),
        ('{"user_id": "u", "items": ["a", 5]}', "items[1]", "Expected `str`, got `int`"),
        ('{"user_id": "u", "items": "a"}', "items", "Expected `array`, got `str`"),
        ('{"user_id": "u", "items": [], "k": 0}', "k", "`int` >= 1"),
        ('{"user_id": "u", "items": [], "offset": -1}', "offset", "`int` >= 0"),
        ('{"user_id": "u", "items": [], "deadline_ms": 0}', "deadline_ms", "`int` >= 1"),
        ('{"user_id": "u", "items": [], "deadline_ms": 99999}', "deadline_ms", "at most 10000"),
        ('{"user_id": "u", "items": [], "diversity": 2}', "diversity", "<= 1"),
        ('{"user_id": "u", "items": [], "colour": "red"}', "colour", "unknown field `colour`"),
        ('{"user_id": "u"}', "items", "missing required field `items`"),
        ("[]", None, "Expected `object`, got `array`"),
        ("{", None, "not valid JSON"),
        ("", None, "not valid JSON"),
        ('{"user_id": "\xff', None, "not valid JSON"),
        ("[" * 100_000, None, ""),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_with_field_and_reason(body: str, field: str | None, reason: str) -> None:
    with api(World()) as client:
        answer = client.post("/v1/rank", content=body.encode("latin-1"))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("field")) == (422, "invalid_request", field)
    assert reason in error["message"]


def test_a_failure_of_our_own_tells_the_caller_nothing_of_the_inside() -> None:
    with api(World(users=FakeUsers(error=RuntimeError("secret")))) as client:
        answer = client.post("/v1/rank", json={"user_id": "u", "items": ["a"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/rank", 405), ("GET", "/nothing", 404)])
def test_errors_of_the_router_have_the_same_shape(method: str, path: str, status: int) -> None:
    with api(World()) as client:
        answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message"}
