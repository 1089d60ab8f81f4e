"""What is logged of an answered ranking, and what happens when it cannot be."""

import threading

import numpy as np
import pytest

from feature_repo.context import context_buckets
from feature_repo.rankings import CANDIDATES, LOGGED, decode, encode
from serving import ranking_log
from serving.ranking_log import Answered, RankingLog, logged, trimmed
from serving.user_features import UserRows
from streaming.events import ItemChange
from tests.serving.fakes import FakeUsers, World, api, catalogue_of

NOW = 4_000_000_000_000
USER = UserRows(
    {"event_timestamp": 5},
    {
        "user_activity_at": NOW,
        "history_item_ids": ["a"],
        "history_actions": [3],
        "history_timestamps": [NOW],
        "event_timestamp": 6,
    },
)


def ask(world: World, *items: str, **body: object) -> dict[str, object]:
    with api(world) as client:
        answer: dict[str, object] = client.post("/v1/rank", json={"user_id": "u", "items": items, **body}).json()
    return answer


def test_what_the_model_saw_and_said_is_logged() -> None:
    world = World(users=FakeUsers({"u": USER}))
    world.catalogue.take_over([ItemChange("b", "item_activity", 7, {"item_ctr_7d": 0.5, "item_activity_at": NOW})])
    answer = ask(world, "c", "x", "b", "a", k=2)
    [answered] = world.rankings.answered
    ranking = decode(encode(logged(trimmed(answered))))
    assert (ranking.request_id, ranking.model_version) == (answer["request_id"], answer["model_version"])
    assert (ranking.user_id, ranking.slate, ranking.item_ids) == ("u", ["a", "b"], ["c", "b", "a"])
    assert np.frombuffer(ranking.scores, "<f4").tolist() == [11.0, 12.0, 13.0]
    assert ranking.tensor("item_ctr_7d").tolist() == pytest.approx([0.05, 0.5, 0.05])
    assert ranking.tensor("history_actions")[-1] == 3 and ranking.history_item_ids == ["a"]
    assert ranking.user_stamps == {"user_profile": 5, "user_activity": 6}
    assert ranking.stamps("item_activity").tolist() == [0, 7, 0]
    assert ranking.instant == answered.now_ms * 1000
    for name in LOGGED:
        assert (ranking.tensor(name) == answered.inputs[name]).all()


def test_of_a_context_what_the_model_saw_is_logged() -> None:
    world = World()
    ask(world, "a", context={"device": "tv", "odd": {}, "query": "tea", **{f"k{n}": "v" * 999 for n in range(50)}})
    [answered] = world.rankings.answered
    ranking = decode(encode(logged(trimmed(answered))))
    assert ranking.context is not None and list(ranking.context)[:2] == ["device", "k0"]
    assert ranking.context["query"] == "tea" and len(ranking.context) == 9
    assert ranking.tensor("request_context").tolist() == context_buckets(ranking.context).tolist()
    assert len(encode(ranking)) < 4_000


def test_an_answer_that_needed_no_model_is_not_logged() -> None:
    world = World()
    ask(world, "x")
    assert world.rankings.answered == []


def test_of_thousands_of_candidates_the_best_are_logged() -> None:
    item_ids = [f"item-{number}" for number in range(CANDIDATES + 500)]
    world = World(catalogue=catalogue_of(*item_ids))
    ask(world, *reversed(item_ids))
    ranking = logged(trimmed(world.rankings.answered[0]))
    assert ranking.item_ids == item_ids[:CANDIDATES]
    assert len(ranking.slate) == CANDIDATES + 500
    assert all(len(ranking.tensor(name)) == CANDIDATES for name in ("item_ctr_7d", "item_actions_1h"))


def test_what_waits_is_kept_without_its_vectors() -> None:
    world = World()
    ask(world, "a", "b")
    waiting = trimmed(world.rankings.answered[0])
    assert not {*waiting.inputs, *waiting.items} & {"item_vectors", "history_vectors"}


@pytest.fixture
def answered() -> Answered:
    world = World()
    ask(world, "a")
    return world.rankings.answered[0]


def test_a_full_queue_drops_and_counts(answered: Answered) -> None:
    log = RankingLog("127.0.0.1:1", 1.0, 300)  # not started: nobody takes from the queue
    for _ in range(ranking_log.WAITING + 3):
        log.put(answered)
    assert log.counts == {"logged": 0, "overflow": 3, "refused": 0}


def test_a_share_of_the_rankings_is_logged(answered: Answered) -> None:
    nothing = RankingLog("127.0.0.1:1", 0.0, 300)
    some = RankingLog("127.0.0.1:1", 0.5, 300)
    for _ in range(4 * ranking_log.WAITING):
        nothing.put(answered)
        some.put(answered)
    assert nothing.counts["overflow"] == 0
    assert 0 < some.counts["overflow"] < 2 * ranking_log.WAITING


def test_a_broker_that_is_away_is_counted_and_the_log_ends_all_the_same(answered: Answered) -> None:
    log = RankingLog("127.0.0.1:1", 1.0, 200)
    log.start()
    log.put(answered)
    log.put(answered)
    log.close()
    assert log.counts == {"logged": 0, "overflow": 0, "refused": 2}
    assert "rankings" not in {thread.name for thread in threading.enumerate()}
