"""Neighbours fail, rankings are answered: what they lack, they say."""

import asyncio
from typing import Any

import pytest

from serving.errors import NoModel, OnlineStoreUnavailable, TritonUnavailable
from serving.guards import Guards
from serving.knowing import LAST_KNOWN, UNKNOWN
from serving.ranking_log import logged
from serving.user_features import UserRows
from tests.serving.fakes import FakeQueries, FakeRanker, FakeUsers, World, api
from tests.serving.test_rank_route import CLICKED, order, rank

STORE_AWAY = OnlineStoreUnavailable("the online store is away")
TRITON_AWAY = TritonUnavailable("triton is away")


def asked(world: World, times: int, **body: Any) -> list[Any]:
    with api(world) as client:
        return [client.post("/v1/rank", json={"user_id": "u", "items": ["a"], **body}).json() for _ in range(times)]


@pytest.mark.parametrize("error", [TRITON_AWAY, NoModel("Triton has no ranker version 1")])
def test_without_triton_candidates_are_scored_by_vectors_in_process(error: Exception) -> None:
    world = World(users=FakeUsers({"u": CLICKED}), ranker=FakeRanker(error))
    world.catalogue.table.column("item_vectors")[:, 1] = [0, 0, 9]  # c points elsewhere
    status, answer = rank(world, items=["c", "b"])
    assert (status, order(answer), answer["degraded"]) == (200, ["b", "c"], ["triton: light score"])


def test_without_triton_a_stranger_gets_what_many_want_now() -> None:
    world = World(ranker=FakeRanker(TRITON_AWAY))
    world.catalogue.put("item_activity", "c", {"item_activity_at": 4_000_000_000_000, "item_actions_1d": [9.0] * 8})
    status, answer = rank(world, items=["a", "b", "c"])
    assert (status, order(answer), answer["degraded"]) == (200, ["c", "a", "b"], ["triton: live popularity"])


def test_without_the_online_store_a_user_is_ranked_as_last_known() -> None:
    world = World(users=FakeUsers({"u": CLICKED}))
    fresh = rank(world, items=["a"])[1]
    world.users.error = STORE_AWAY
    stale, strange = rank(world, items=["a"])[1], rank(world, user_id="never met", items=["a"])[1]
    assert (stale["items"], stale["degraded"]) == (fresh["items"], [LAST_KNOWN])
    assert (strange["items"][0]["score"], strange["degraded"]) == (3.0, [UNKNOWN])


def test_a_user_who_was_forgotten_is_not_remembered_here() -> None:
    world = World(users=FakeUsers({"u": CLICKED}))
    rank(world, items=["a"])
    world.guards.last_known.forget("u")
    world.users.error = STORE_AWAY
    assert rank(world, items=["a"])[1]["degraded"] == [UNKNOWN]


def test_without_either_the_answer_names_both() -> None:
    world = World(users=FakeUsers(error=STORE_AWAY), ranker=FakeRanker(TRITON_AWAY))
    assert rank(world, items=["a"])[1]["degraded"] == [UNKNOWN, "triton: live popularity"]


def test_a_triton_that_failed_three_times_is_left_alone_and_used_again_when_it_is_back() -> None:
    now = [0.0]
    world = World(ranker=FakeRanker(TRITON_AWAY), guards=Guards())
    world.guards.triton.breaker._clock = lambda: now[0]
    asked(world, 5)
    assert world.ranker.calls == 3
    world.ranker.error = None
    assert asked(world, 1)[0]["degraded"] == ["triton: live popularity"]
    now[0] = 1.0
    assert [answer["degraded"] for answer in asked(world, 2)] == [[], []]


def test_callers_with_short_deadlines_do_not_have_triton_left_alone_for_all() -> None:
    world = World(ranker=FakeRanker(TRITON_AWAY))
    asked(world, 10, deadline_ms=20)
    assert world.ranker.calls == 10


def test_each_stage_gets_a_part_of_the_deadline() -> None:
    granted: list[float] = []

    class Slow(FakeUsers):
        async def read(self, user_id: str, seconds: float = 1) -> UserRows:
            granted.append(seconds)
            return await super().read(user_id)

    class Patient(FakeRanker):
        async def score(self, inputs: Any, candidates: int, version: int, seconds: float = 1) -> Any:
            granted.append(seconds)
            return await super().score(inputs, candidates, version)

    asked(World(users=Slow(), ranker=Patient()), 1, deadline_ms=1000)
    reading, inferring = granted
    assert 0 < reading <= 0.3 and 0 < inferring <= 0.8


def test_a_query_that_takes_too_long_to_encode_is_lost() -> None:
    class Endless(FakeQueries):
        async def vector(self, text: str, model: Any) -> Any:
            await asyncio.Event().wait()

    answer = rank(World(queries=Endless()), items=["a"], context={"query": "tea"}, deadline_ms=50)[1]
    assert answer["degraded"] == ["query: not encoded"]


def test_what_answers_lacked_is_counted() -> None:
    world = World(ranker=FakeRanker(TRITON_AWAY))
    with api(world) as client:
        for _ in range(4):
            client.post("/v1/rank", json={"user_id": "u", "items": ["a"]})
        text = client.get("/metrics").text
    assert 'freshrank_degraded_total{what="triton: live popularity"} 4.0' in text
    assert "freshrank_left_alone 1.0" in text


def test_failures_are_said_once_and_so_is_the_recovery(caplog: pytest.LogCaptureFixture) -> None:
    world = World(ranker=FakeRanker(TRITON_AWAY))
    caplog.set_level("INFO", "serving.guards")
    asked(world, 2)
    world.ranker.error = None
    asked(world, 2)
    said = [record.getMessage() for record in caplog.records if record.name == "serving.guards"]
    assert said == ["rankings go without triton: triton is away", "triton answers again"]


def test_the_log_of_rankings_says_which_scores_are_not_the_models() -> None:
    world = World(ranker=FakeRanker(TRITON_AWAY))
    rank(world, items=["a"])
    assert logged(world.rankings.answered[0]).degraded == ["triton: live popularity"]
