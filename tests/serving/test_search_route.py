"""What /v1/search and /v1/similar answer."""

from typing import Any

import numpy as np
import pytest

from serving.catalogue import Catalogue
from serving.errors import OnlineStoreUnavailable
from serving.user_features import UserRows
from tests.serving.candidates.worlds import turned
from tests.serving.fakes import FakeQueries, FakeUsers, World, api
from tests.serving.test_recommend_route import PATIENCE


def library() -> Catalogue:
    catalogue = Catalogue()
    vectors = np.stack([turned(0), turned(10), turned(90)])
    catalogue.replace_vectors(["wars", "empire", "tea"], vectors)
    for item_id, title in {"wars": "Star Wars", "empire": "The Empire", "tea": "Tea for two"}.items():
        catalogue.put("item_content", item_id, {"item_title": title, "event_timestamp": 1})
    return catalogue


def ask(world: World, path: str, method: str = "POST", **said: Any) -> tuple[int, Any]:
    world.settings = world.settings.model_copy(update=PATIENCE)
    with api(world) as client:
        given: dict[str, Any] = {"json": said} if method == "POST" else {"params": said}
        answer = client.request(method, path, **given)
        return answer.status_code, answer.json()


def order(answer: Any) -> list[str]:
    return [place["item_id"] for place in answer["items"]]


def test_items_like_one_come_nearest_first_and_without_itself() -> None:
    status, answer = ask(World(catalogue=library()), "/v1/similar", item_id="wars")
    assert (status, order(answer)) == (200, ["empire", "tea"])
    assert answer["model_version"] == "model-1" and answer["request_id"] and answer["degraded"] == []


def test_a_url_asks_the_same_as_a_body() -> None:
    world = World(catalogue=library())
    status, answer = ask(world, "/v1/similar", "GET", item_id="wars", k=1, exclude=["empire", "x"])
    assert (status, order(answer)) == (200, ["tea"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_item_is_not_there_and_becomes_wanted(method: str) -> None:
    world = World(catalogue=library())
    status, answer = ask(world, "/v1/similar", method, item_id="x")
    assert (status, answer["error"]["field"]) == (404, "item_id")
    assert "x" in world.catalogue.wanted


def test_one_may_ask_for_what_is_like_a_hidden_item_but_hidden_ones_are_not_answered() -> None:
    world = World(catalogue=library())
    world.catalogue.put("item_content", "wars", {"item_available": False, "event_timestamp": 2})
    assert order(ask(world, "/v1/similar", item_id="wars")[1]) == ["empire", "tea"]
    assert order(ask(world, "/v1/similar", item_id="empire")[1]) == ["tea"]


def test_an_item_without_a_vector_says_so() -> None:
    world = World(catalogue=library())
    world.catalogue.put("item_content", "fresh", {"item_title": "Fresh", "event_timestamp": 1})
    status, answer = ask(world, "/v1/similar", item_id="fresh")
    assert (status, answer["items"], answer["degraded"]) == (200, [], ["item: no vector yet"])


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ({}, 422, "item_id"),
        ({"item_id": "wars", "k": "many"}, 422, "k"),
        ({"item_id": "wars", "k": "0"}, 422, "k"),
        ({"item_id": "wars", "k": "1001"}, 413, "k"),
        ({"item_id": "wars", "colour": "red"}, 422, "colour"),
        ({"item_id": "wars", "deadline_ms": "99999"}, 422, "deadline_ms"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(said: Any, status: int, field: str | None) -> None:
    code, answer = ask(World(catalogue=library()), "/v1/similar", "GET", **said)
    assert (code, answer["error"].get("field")) == (status, field)


def test_pages_of_similar_items_follow_each_other() -> None:
    world = World(catalogue=library())
    assert [order(ask(world, "/v1/similar", item_id="wars", k=1, offset=place)[1]) for place in (0, 1, 2)] == [
        ["empire"],
        ["tea"],
        [],
    ]


def test_words_of_titles_come_before_what_is_only_near() -> None:
    status, answer = ask(World(catalogue=library()), "/v1/search", query="tea")
    assert status == 200 and order(answer)[0] == "tea"
    assert set(order(answer)) == {"wars", "empire", "tea"}  # by their vectors, all are somewhere near
    assert answer["items"][0]["source"] == "title"


def test_without_the_encoder_the_titles_are_searched() -> None:
    answer = ask(World(catalogue=library(), queries=FakeQueries(away=True)), "/v1/search", query="star")[1]
    assert (order(answer), answer["degraded"]) == (["wars"], ["query: not encoded"])


def test_a_user_makes_what_they_like_count() -> None:
    world = World(catalogue=library())
    answer = ask(world, "/v1/search", query="no title", user_id="u")[1]
    assert world.ranker.calls == 1 and "query_vector" in world.ranker.inputs
    assert order(answer)[0] == "wars"  # the first number of its vector is the highest


def test_what_a_user_was_answered_is_logged_with_the_query_and_nobodys_search_is_not() -> None:
    world = World(catalogue=library())
    answer = ask(world, "/v1/search", query="tea", user_id="u", k=1)[1]
    assert [ask(world, "/v1/search", query="tea")[0]] == [200]
    [answered] = world.rankings.answered
    assert (answered.request_id, answered.slate) == (answer["request_id"], order(answer))
    assert answered.context == {"query": "tea"} and sorted(answered.item_ids) == ["empire", "tea", "wars"]


def test_a_user_who_cannot_be_read_costs_only_their_say() -> None:
    world = World(catalogue=library(), users=FakeUsers(error=OnlineStoreUnavailable("away")))
    status, answer = ask(world, "/v1/search", query="tea", session_id="s")
    assert (status, order(answer)[0], answer["degraded"]) == (200, "tea", ["online_store: no features"])


def test_what_a_search_already_knew_of_a_user_counts_as_fresh() -> None:
    activity = {"user_written_at": 2_000, "user_activity_at": 1_000}
    world = World(catalogue=library(), users=FakeUsers({"u": UserRows({}, activity)}))
    with api(world) as client:
        client.post("/v1/search", json={"query": "tea", "user_id": "u"})
        assert "freshrank_fresh_seconds_sum 1.0" in client.get("/metrics").text


def test_excluded_and_hidden_items_are_not_found() -> None:
    world = World(catalogue=library())
    world.catalogue.put("item_content", "wars", {"item_available": False, "event_timestamp": 2})
    assert order(ask(world, "/v1/search", query="star", exclude=["tea"])[1]) == ["empire"]


@pytest.mark.parametrize("query", ["", None, 7, "x" * 5000])
def test_a_query_that_cannot_be_used_is_refused(query: Any) -> None:
    status, answer = ask(World(), "/v1/search", query=query)
    assert (status, answer["error"]["field"]) == (422, "query")


def test_nothing_but_signs_finds_what_its_vector_is_near() -> None:
    status, answer = ask(World(catalogue=library()), "/v1/search", query='"*(')
    assert status == 200 and len(answer["items"]) == 3


def coloured() -> Catalogue:
    """Two hundred items close to one another, of which the last and farthest is blue."""
    catalogue, count = Catalogue(), 200
    vectors = np.stack([turned(place / 10) for place in range(count)])
    catalogue.replace_vectors([str(place) for place in range(count)], vectors)
    for place in range(count):
        colour = "blue" if place == count - 1 else "red"
        row = {"item_title": f"Film {place}", "item_attributes": [f"colour={colour}"], "event_timestamp": 1}
        catalogue.put("item_content", str(place), row)
    return catalogue


def test_a_filter_reaches_what_is_not_among_the_nearest() -> None:
    said = {"k": 1, "filter": 'colour == "blue"'}
    assert order(ask(World(catalogue=coloured()), "/v1/similar", item_id="0", **said)[1]) == ["199"]
    assert order(ask(World(catalogue=coloured()), "/v1/search", query="something", **said)[1]) == ["199"]
    assert order(ask(World(catalogue=coloured()), "/v1/search", query="film", **said)[1]) == ["199"]


@pytest.mark.parametrize(("path", "said"), [("/v1/similar", {"item_id": "wars"}), ("/v1/search", {"query": "tea"})])
def test_stages_are_timed(path: str, said: Any) -> None:
    assert set(ask(World(catalogue=library()), path, **said)[1]["took_ms"]) >= {"candidates", "total"}


def test_blanks_are_no_query() -> None:
    status, answer = ask(World(), "/v1/search", query="  ")
    assert (status, answer["error"]["field"]) == (422, "query")
