"""What POST /v1/events, /v1/items, /v1/users and the deletions answer."""

import json
from typing import Any

from serving.errors import BrokerUnavailable
from serving.settings import ServingSettings
from streaming.events import Interaction, Item, User
from tests.serving.fakes import FakeBus, World, api

CLICK = {"user_id": "7", "item_id": "1", "action": "click"}
BROKEN = {"user_id": "7", "item_id": 1, "action": "click"}


def post(world: World, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with api(world) as client:
        answer = client.post(path, content=content, headers=headers)
        told = answer.json()
        assert len(told.pop("request_id")) == 32
        return answer.status_code, told


def test_one_event_is_taken() -> None:
    world = World()
    assert post(world, "/v1/events", CLICK) == (200, {"accepted": 1, "rejected": []})
    (event,) = world.bus.messages
    assert isinstance(event, Interaction) and event.item_id == "1" and event.event_id and event.timestamp


def test_json_lines_are_taken() -> None:
    lines = "\n".join(json.dumps(CLICK) for _ in range(3)).encode()
    status, answer = post(World(), "/v1/events", lines, **{"content-type": "application/x-ndjson"})
    assert (status, answer["accepted"]) == (200, 3)


def test_the_broken_events_of_a_batch_are_rejected_by_index_and_the_rest_taken() -> None:
    status, answer = post(World(), "/v1/events", [CLICK, BROKEN, CLICK])
    assert (status, answer["accepted"]) == (200, 2)
    assert answer["rejected"] == [{"index": 1, "reason": "Expected `str`, got `int` - at `$.item_id`"}]


def test_nothing_valid_is_an_error_that_lists_every_reason() -> None:
    status, answer = post(World(), "/v1/events", [BROKEN, {}])
    assert (status, answer["accepted"], len(answer["rejected"])) == (422, 0, 2)
    assert answer["error"]["code"] == "nothing_accepted"


def test_an_empty_array_accepts_nothing_and_is_no_error() -> None:
    assert post(World(), "/v1/events", []) == (200, {"accepted": 0, "rejected": []})


def test_an_event_the_broker_does_not_acknowledge_is_not_claimed() -> None:
    world = World(bus=FakeBus(refused={"8"}))
    status, answer = post(world, "/v1/events", [CLICK, CLICK | {"user_id": "8"}])
    assert (status, answer["accepted"]) == (200, 1)
    assert answer["rejected"] == [{"index": 1, "reason": "not acknowledged: timed out", "retry": True}]


def test_when_the_broker_acknowledges_nothing_nothing_is_claimed() -> None:
    status, answer = post(World(bus=FakeBus(refused={"7"})), "/v1/events", CLICK)
    assert (status, answer["error"]["code"]) == (503, "broker_unavailable")
    assert "accepted" not in answer


def test_an_absent_broker_is_named() -> None:
    world = World(bus=FakeBus(error=BrokerUnavailable("the broker is away")))
    status, answer = post(world, "/v1/items", {"item_id": "1"})
    assert (status, answer["error"]["code"]) == (503, "broker_unavailable")


def test_more_events_than_the_limit_are_refused_as_a_whole() -> None:
    world = World(settings=ServingSettings(max_batch_events=1))
    status, answer = post(world, "/v1/events", [CLICK, CLICK])
    assert (status, answer["error"]["code"], world.bus.messages) == (413, "too_large", [])


def test_items_and_users_are_taken() -> None:
    world = World()
    assert post(world, "/v1/items", {"item_id": "1", "title": "One", "hidden": True})[0] == 200
    assert post(world, "/v1/users", [{"user_id": "7", "attributes": {"country": "CH"}}])[0] == 200
    item, user = world.bus.messages
    assert isinstance(item, Item) and item.hidden
    assert isinstance(user, User) and user.attributes == {"country": "CH"}


def test_events_are_counted_by_outcome() -> None:
    with api(World()) as client:
        client.post("/v1/events", json=[CLICK, BROKEN])
        metrics = client.get("/metrics").text
    assert 'freshrank_events_total{outcome="accepted",topic="interactions"} 1.0' in metrics
    assert 'freshrank_events_total{outcome="rejected",topic="interactions"} 1.0' in metrics
