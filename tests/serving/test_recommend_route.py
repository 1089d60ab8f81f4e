"""What POST /v1/recommend answers, whatever it is asked."""

import threading
from itertools import chain
from typing import Any

import numpy as np
import pytest

from serving.candidates import retrieval
from serving.candidates.asked import Asked
from serving.catalogue import Catalogue
from serving.errors import OnlineStoreUnavailable
from serving.finding import candidate_count
from serving.models import NONE
from serving.settings import ServingSettings
from serving.user_features import UserRows
from tests.serving.fakes import FakeQueries, FakeUsers, World, api, catalogue_of

NEVER_FADES = 4_000_000_000_000
PATIENCE = {"candidates_timeout_ms": 10_000, "deadline_ms": 10_000}  # the machine may be busy


def history(*item_ids: str, action: int = 3) -> UserRows:
    count = len(item_ids)
    return UserRows(
        {},
        {
            "user_activity_at": NEVER_FADES,
            "history_item_ids": list(item_ids),
            "history_actions": [action] * count,
            "history_timestamps": [NEVER_FADES] * count,
        },
    )


def recommend(world: World, **body: Any) -> tuple[int, Any]:
    world.settings = world.settings.model_copy(update=PATIENCE)
    with api(world) as client:
        answer = client.post("/v1/recommend", json={"user_id": "u"} | body)
        return answer.status_code, answer.json()


def order(answer: Any) -> list[str]:
    return [place["item_id"] for place in answer["items"]]


def test_the_best_of_the_catalogue_come_by_falling_score() -> None:
    status, answer = recommend(World(), k=2)
    assert (status, order(answer)) == (200, ["a", "b"])
    assert [place["score"] for place in answer["items"]] == [3.0, 2.0]
    assert answer["model_version"] == "model-1" and answer["request_id"] and answer["degraded"] == []


def test_every_item_says_where_it_came_from() -> None:
    assert {place["source"] for place in recommend(World())[1]["items"]} == {"popular"}
    known = World(users=FakeUsers({"u": history("a")}))
    assert "similar" in {place["source"] for place in recommend(known)[1]["items"]}


def test_every_stage_is_timed() -> None:
    assert set(recommend(World())[1]["took_ms"]) >= {"features", "candidates", "inputs", "triton", "total"}


def test_k_is_ten_unless_it_is_said() -> None:
    world = World(catalogue=catalogue_of(*map(str, range(30))))
    assert len(recommend(world)[1]["items"]) == 10


def test_pages_of_one_list_hold_every_item_once() -> None:
    world = World(catalogue=catalogue_of(*map(str, range(30))))
    pages = [order(recommend(world, k=8, offset=offset)[1]) for offset in (0, 8, 16, 24)]
    assert sorted(map(int, chain(*pages))) == list(range(30))


def test_hidden_and_excluded_items_are_no_candidates() -> None:
    world = World()
    world.catalogue.put("item_content", "a", {"item_available": False})
    assert order(recommend(world, exclude=["b", "nobody"])[1]) == ["c"]


def test_an_empty_catalogue_gives_an_empty_list() -> None:
    status, answer = recommend(World(catalogue=catalogue_of()))
    assert (status, answer["items"]) == (200, [])


def test_a_session_gets_recommendations_too() -> None:
    with api(World(users=FakeUsers({"session:s": history("a")}))) as client:
        answer = client.post("/v1/recommend", json={"session_id": "s", "k": 1}).json()
    assert answer["items"][0]["score"] == 13.0


def test_what_was_typed_becomes_a_source() -> None:
    world = World()
    answer = recommend(world, context={"query": "tea"})[1]
    assert world.queries.texts[0] == "tea" and "query" in {place["source"] for place in answer["items"]}


def test_what_was_typed_may_stand_beside_the_context() -> None:
    world = World()
    assert recommend(world, query="tea", context={"device": "tv", "query": "coffee"})[0] == 200
    assert set(world.queries.texts) == {"tea"} and world.rankings.answered[0].context == {
        "device": "tv",
        "query": "tea",
    }


def test_a_query_that_cannot_be_encoded_is_named() -> None:
    answer = recommend(World(queries=FakeQueries(away=True)), context={"query": "tea"})[1]
    assert answer["degraded"] == ["query: not encoded"] and len(answer["items"]) == 3


def test_without_the_online_store_there_are_recommendations_still() -> None:
    status, answer = recommend(World(users=FakeUsers(error=OnlineStoreUnavailable("away"))))
    assert (status, len(answer["items"])) == (200, 3)
    assert answer["degraded"] == ["online_store: no features"]


class Broken:
    """A source that fails."""

    NAME, SEARCHES = "similar", True

    def find(self, asked: Asked, count: int) -> Any:
        raise RuntimeError("broken")


def test_a_source_that_fails_is_dropped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(retrieval.SOURCES, "similar", Broken())  # type: ignore[arg-type]
    status, answer = recommend(World())
    assert (status, answer["degraded"], len(answer["items"])) == (200, ["source:similar: failed"], 3)


class Slow(Broken):
    """A source that finds nothing before it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def find(self, asked: Asked, count: int) -> Any:
        self.let_go.wait()
        return np.zeros(0, np.int64)


def test_a_source_that_is_too_slow_is_dropped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setitem(retrieval.SOURCES, "similar", slow)  # type: ignore[arg-type]
    monkeypatch.setattr("serving.candidates.nearest.Nearest.slow", True)
    try:
        with api(World(settings=ServingSettings(candidates_timeout_ms=20, deadline_ms=10_000))) as client:
            answer = client.post("/v1/recommend", json={"user_id": "u"}).json()
    finally:
        slow.let_go.set()
    assert "source:similar: too slow" in answer["degraded"] and answer["took_ms"]["total"] < 10_000


def test_a_source_without_a_share_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(retrieval.SOURCES, "similar", Broken())  # type: ignore[arg-type]
    assert recommend(World(settings=ServingSettings(candidate_quotas={"similar": 0})))[1]["degraded"] == []


def test_what_was_recommended_is_logged_with_its_candidates() -> None:
    world = World()
    answer = recommend(world, k=1)[1]
    [answered] = world.rankings.answered
    assert answered.request_id == answer["request_id"] and answered.slate == ["a"]
    assert sorted(answered.item_ids) == ["a", "b", "c"]


def test_candidates_are_enough_for_two_pages_and_the_same_for_most_of_them() -> None:
    assert [candidate_count(end, 200) for end in (1, 100, 101, 1000)] == [200, 200, 400, 3200]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"user_id": None}, 422, "user_id"),
        ({"k": 0}, 422, "k"),
        ({"k": 999, "offset": 2}, 413, "k"),
        ({"items": ["a"]}, 422, "items"),
        ({"exclude": "a"}, 422, "exclude"),
        ({"deadline_ms": 10**9}, 422, "deadline_ms"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused(body: Any, status: int, field: str | None) -> None:
    code, answer = recommend(World(), **body)
    assert (code, answer["error"].get("field")) == (status, field)


def test_before_the_first_model_live_lists_are_recommended() -> None:
    world = World(in_use=NONE, catalogue=Catalogue())
    for item_id in ("a", "b"):
        world.catalogue.put("item_content", item_id, {"item_title": item_id})
    status, answer = recommend(world, explain=True)
    assert (status, sorted(order(answer)), answer["model_version"]) == (200, ["a", "b"], "none")
    assert answer["degraded"] == ["model: live popularity", "explain: no contributions"] and world.ranker.calls == 0
    assert {each["source"] for each in answer["items"]} == {"popular"}


def batch(world: World, body: Any) -> tuple[int, Any]:
    world.settings = world.settings.model_copy(update=PATIENCE)
    with api(world) as client:
        answer = client.post("/v1/batch", json=body)
        return answer.status_code, answer.json()


def test_a_batch_is_the_same_as_its_requests_one_by_one() -> None:
    world = World(users=FakeUsers({"v": history("b")}))
    asked = [{"user_id": "u", "k": 1}, {"user_id": "v", "k": 2}, {"session_id": "s"}]
    status, answer = batch(world, {"requests": asked})
    assert status == 200 and answer["model_version"] == "model-1" and answer["degraded"] == []
    alone = [recommend(world, **each)[1]["items"] for each in ({"user_id": "u", "k": 1}, {"user_id": "v", "k": 2})]
    assert [ranking["items"] for ranking in answer["rankings"][:2]] == alone
    assert len({ranking["request_id"] for ranking in answer["rankings"]} | {answer["request_id"]}) == 4


def test_a_batch_says_what_any_of_its_answers_lacks() -> None:
    away = World(users=FakeUsers(error=OnlineStoreUnavailable("away")))
    assert batch(away, {"requests": [{"user_id": "u"}]})[1]["degraded"] == ["online_store: no features"]


def test_an_empty_batch_has_an_empty_answer() -> None:
    assert batch(World(), {"requests": []})[1]["rankings"] == []


def test_a_request_of_a_batch_is_refused_by_its_place() -> None:
    status, answer = batch(World(), {"requests": [{"user_id": "u"}, {"k": 3}]})
    assert (status, answer["error"]["field"]) == (422, "requests[1].user_id")


def test_a_filter_of_a_batch_that_cannot_be_read_is_named_by_its_place() -> None:
    status, answer = batch(World(), {"requests": [{"user_id": "u"}, {"user_id": "v", "filter": "price <"}]})
    assert (status, answer["error"]["field"]) == (422, "requests[1].filter")


def test_items_are_counted_by_their_sources() -> None:
    with api(World()) as client:
        client.post("/v1/recommend", json={"user_id": "u"})
        text = client.get("/metrics").text
    assert 'freshrank_recommended_total{source="popular"} 3.0' in text


def test_more_requests_than_the_limit_are_refused() -> None:
    world = World(settings=ServingSettings(max_batch_users=1))
    status, answer = batch(world, {"requests": [{"user_id": "u"}] * 2})
    assert (status, answer["error"]["field"]) == (413, "requests")
