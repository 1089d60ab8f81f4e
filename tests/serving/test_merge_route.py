"""What POST /v1/users/{user_id}/merge answers, and that a merge is an event like others."""

from typing import Any

import pytest

from serving.errors import BrokerUnavailable
from streaming.events import Merge
from tests.serving.fakes import FakeBus, World, api


def merge(world: World, body: Any, user: str = "7") -> tuple[int, Any]:
    with api(world) as client:
        content = body if isinstance(body, bytes) else None
        answer = client.post(f"/v1/users/{user}/merge", json=None if content is not None else body, content=content)
        told = answer.json()
        assert len(told.pop("request_id")) == 32
        return answer.status_code, told


def test_a_merge_is_taken_once_the_broker_has_it() -> None:
    world = World()
    assert merge(world, {"session_id": "s", "event_id": "m"}, "a%20b") == (200, {"accepted": 1, "rejected": []})
    (sent,) = world.bus.messages
    assert isinstance(sent, Merge) and sent.timestamp
    assert (sent.key, sent.session_id, sent.user_id, sent.event_id) == ("session:s", "s", "a b", "m")


def test_a_merge_without_an_event_id_gets_one_of_its_own() -> None:
    world = World()
    for _ in range(2):
        merge(world, {"session_id": "s"})
    assert len({sent.event_id for sent in world.bus.messages if isinstance(sent, Merge)} - {""}) == 2


@pytest.mark.parametrize(
    ("user", "body", "field", "reason"),
    [
        ("7", {}, "session_id", "missing required field `session_id`"),
        ("7", {"session_id": 5}, "session_id", "Expected `str`, got `int`"),
        ("7", {"session_id": ""}, "session_id", "length >= 1"),
        ("7", {"session_id": "s", "event_id": ""}, "event_id", "length >= 1"),
        ("7", {"session_id": "s", "timestamp": "yesterday"}, "timestamp", "neither ISO 8601 nor"),
        ("7", {"session_id": "s", "timestamp": 4_000_000_000_000}, "timestamp", "more than a day ahead"),
        ("7", {"session_id": "\0"}, None, "NUL"),
        ("7" * 257, {"session_id": "s"}, "user_id", "length <= 256"),
        ("session:s", {"session_id": "s"}, "user_id", "cannot be merged into itself"),
        ("7", b"", None, "not valid JSON"),
        ("7", b"[]", None, "Expected `object`, got `array`"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_field_and_reason(
    user: str, body: Any, field: str | None, reason: str
) -> None:
    world = World()
    status, answer = merge(world, body, user)
    assert (status, answer["error"]["code"], answer["error"].get("field")) == (422, "invalid_request", field)
    assert reason in answer["error"]["message"] and world.bus.messages == []


@pytest.mark.parametrize(
    "bus", [FakeBus(refused={"session:s"}), FakeBus(error=BrokerUnavailable("the broker is away"))]
)
def test_a_merge_the_broker_does_not_take_is_not_claimed(bus: FakeBus) -> None:
    status, answer = merge(World(bus=bus), {"session_id": "s"})
    assert (status, answer["error"]["code"]) == (503, "broker_unavailable")


def test_a_merge_is_taken_among_other_events() -> None:
    world = World()
    click = {"session_id": "s", "item_id": "1", "action": "click"}
    bodies = [click, {"action": "merge", "session_id": "s", "user_id": "7"}, {"action": "merge", "session_id": "s"}]
    with api(world) as client:
        answer = client.post("/v1/events", json=bodies).json()
    assert (answer["accepted"], [each["index"] for each in answer["rejected"]]) == (2, [2])
    assert "missing required field `user_id`" in answer["rejected"][0]["reason"]
    assert [message.key for message in world.bus.messages] == ["session:s", "session:s"]


def test_nobody_can_hand_over_but_the_worker() -> None:
    with api(World()) as client:
        answer = client.post("/v1/events", json={"action": "handover", "session_id": "s", "user_id": "7"})
    assert answer.status_code == 422
