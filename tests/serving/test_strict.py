"""What nobody knows is refused with its name, and nothing of it reaches the broker."""

from typing import Any

import pytest

from serving.app import create_app
from streaming import events
from tests.serving.fakes import World, api

CLICK = {"user_id": "7", "item_id": "50", "action": "click"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/events", CLICK | {"colour": "red"}),
        ("/v1/events", {"action": "merge", "user_id": "7", "session_id": "s", "colour": "red"}),
        ("/v1/items", {"item_id": "50", "colour": "red"}),
        ("/v1/users", {"user_id": "7", "colour": "red"}),
        ("/v1/users/7/merge", {"session_id": "s", "colour": "red"}),
        ("/v1/rank", {"user_id": "7", "items": ["50"], "colour": "red"}),
    ],
)
def test_an_unknown_field_is_refused_by_its_name(path: str, body: dict[str, Any]) -> None:
    world = World()
    with api(world) as client:
        answer = client.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "colour")
    assert world.bus.messages == []


def test_the_known_events_of_a_batch_are_taken_and_the_unknown_field_is_named() -> None:
    with api(World()) as client:
        answer = client.post("/v1/events", json=[CLICK, CLICK | {"colour": "red"}]).json()
    assert answer["accepted"] == 1
    assert answer["rejected"] == [{"index": 1, "reason": "Object contains unknown field `colour`"}]


def test_free_keys_of_context_and_attributes_are_no_unknown_fields() -> None:
    with api(World()) as client:
        assert client.post("/v1/events", json=CLICK | {"context": {"mood": "calm"}}).json()["accepted"] == 1
        assert client.post("/v1/items", json={"item_id": "50", "attributes": {"mood": "calm"}}).json()["accepted"] == 1


def test_every_body_of_v1_that_is_described_refuses_unknown_fields() -> None:
    described = create_app(World().settings, World().neighbours).openapi()["paths"]
    bodies = {
        path: operation["requestBody"]["content"]["application/json"]["schema"]
        for path, operations in described.items()
        for operation in operations.values()
        if path.startswith("/v1/") and "requestBody" in operation
    }
    assert bodies and [path for path, schema in bodies.items() if not closed(schema)] == []


def closed(schema: dict[str, Any]) -> bool:
    """Whether the schema, or each of those it chooses from, forbids what it does not name."""
    choices = schema.get("oneOf") or schema.get("anyOf") or [schema.get("items", schema)]
    if choices == [schema]:
        return schema.get("additionalProperties") is False
    return all(closed(choice) for choice in choices)


def test_what_is_taken_belongs_to_the_topics_of_its_kind() -> None:
    world = World()
    with api(world) as client:
        for path, body in (("events", CLICK), ("items", {"item_id": "50"}), ("users", {"user_id": "7"})):
            assert client.post(f"/v1/{path}", json=body).status_code == 200
    assert [events.topic_of(message) for message in world.bus.messages] == ["interactions", "items", "users"]


@pytest.mark.parametrize("path", ["/v1/rank", "/v1/recommend", "/v1/search"])
@pytest.mark.parametrize(
    ("field", "value"),
    [("context", {str(place): "x" for place in range(65)}), ("exclude", ["a" * 257]), ("exclude", ["a"] * 10_001)],
)
def test_what_would_take_long_to_look_through_is_refused(path: str, field: str, value: Any) -> None:
    more = {"/v1/rank": {"items": ["a"]}, "/v1/search": {"query": "space"}}.get(path, {})
    with api(World()) as client:
        answer = client.post(path, json={"user_id": "7", field: value, **more})
    assert (answer.status_code, answer.json()["error"]["field"].partition("[")[0]) == (422, field)
