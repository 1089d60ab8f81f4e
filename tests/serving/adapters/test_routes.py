"""What clients of Metarank and Gorse are answered."""

import json
from typing import Any

import pytest

from serving.errors import BrokerUnavailable
from serving.settings import ServingSettings
from streaming.events import Deletion, Interaction, topic_of
from tests.serving.adapters.bodies import ask, example
from tests.serving.fakes import FakeBus, World

METARANK, STARS = example("metarank"), example("gorse-feedback")


def test_metarank_is_answered_as_documented() -> None:
    world = World()
    status, text = ask(world, "POST", "/feedback", METARANK)
    assert status == 200
    assert json.loads(text) | {"tookMillis": 12} == example("metarank-answer")
    assert [topic_of(message) for message in world.bus.messages] == ["items", "users", *["interactions"] * 4]


def test_metarank_takes_json_lines() -> None:
    body = "\n".join(map(json.dumps, METARANK)).encode()
    assert json.loads(ask(World(), "POST", "/feedback", body)[1])["accepted"] == 4


def test_metarank_hears_which_events_were_not_taken() -> None:
    world = World()
    status, text = ask(world, "POST", "/feedback", [METARANK[3] | {"type": "listen"}, METARANK[3], {"event": "x"}])
    answer = json.loads(text)
    assert (status, answer["accepted"], answer["status"], len(world.bus.messages)) == (200, 1, "partial", 1)
    assert [each["index"] for each in answer["rejected"]] == [0, 2]
    assert "unknown action 'listen'" in answer["rejected"][0]["reason"]


def test_a_ranking_that_was_lost_in_part_is_not_claimed() -> None:
    world = World(bus=FakeBus(refused={"user1"}))
    status, text = ask(world, "POST", "/feedback", [METARANK[0], METARANK[2]])
    answer = json.loads(text)
    assert (status, answer["accepted"], answer["rejected"]) == (
        200,
        1,
        [{"index": 1, "reason": "not acknowledged: timed out", "retry": True}],
    )


def test_nothing_usable_is_an_error() -> None:
    assert ask(World(), "POST", "/feedback", {"event": "x"})[0] == 422


def test_a_ranking_counts_as_many_events_as_it_has_items() -> None:
    world = World(settings=ServingSettings(max_batch_events=2))
    assert ask(world, "POST", "/feedback", METARANK[2])[0] == 413
    assert world.bus.messages == []


def test_the_setting_adds_actions() -> None:
    world = World(settings=ServingSettings(foreign_actions={"listen": "view"}))
    assert ask(world, "POST", "/feedback", METARANK[3] | {"type": "listen"})[0] == 200
    (event,) = world.bus.messages
    assert isinstance(event, Interaction) and event.action == "view"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_gorse_is_answered_as_documented(method: str) -> None:
    world = World()
    status, text = ask(world, method, "/api/feedback", STARS)
    assert (status, json.loads(text), len(world.bus.messages)) == (200, example("gorse-answer"), 3)


@pytest.mark.parametrize(("path", "name"), [("item", "gorse-items"), ("user", "gorse-users")])
def test_gorses_items_and_users_are_taken_one_or_many(path: str, name: str) -> None:
    world, body = World(), example(name)
    assert ask(world, "POST", f"/api/{path}s", body) == (200, '{"RowAffected":1}')
    assert ask(world, "POST", f"/api/{path}", body[0]) == (200, '{"RowAffected":1}')
    assert {topic_of(message) for message in world.bus.messages} == {f"{path}s"}


def test_one_broken_entry_and_gorse_takes_nothing_and_says_why() -> None:
    world = World()
    status, text = ask(world, "POST", "/api/feedback", [STARS[0], STARS[1] | {"FeedbackType": "listen"}])
    assert (status, world.bus.messages) == (400, [])
    assert text.splitlines()[1].startswith("1: unknown action 'listen'")


@pytest.mark.parametrize("body", [b"", b"nonsense", b"7"])
def test_gorse_says_that_a_body_is_no_json(body: bytes) -> None:
    status, text = ask(World(), "POST", "/api/items", body)
    assert status == 400 and not text.startswith("{")


@pytest.mark.parametrize("bus", [FakeBus(refused={"jack"}), FakeBus(error=BrokerUnavailable("the broker is away"))])
def test_what_the_broker_did_not_take_whole_gorse_does_not_claim(bus: Any) -> None:
    assert ask(World(bus=bus), "POST", "/api/feedback", STARS)[0] == 503


def test_gorses_deletions_are_tombstones() -> None:
    world = World()
    assert ask(world, "DELETE", "/api/item/vuejs%3Avue") == (200, '{"RowAffected":1}')
    assert ask(world, "DELETE", "/api/user/bob") == (200, '{"RowAffected":1}')
    deleted = [Deletion("items", "vuejs:vue", "receipt-0"), Deletion("users", "bob", "receipt-1")]
    assert world.bus.messages == deleted
