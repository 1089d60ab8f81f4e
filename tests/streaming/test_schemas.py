"""docs/schemas is what the code says, and says what the code does."""

import asyncio
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from feature_repo import rankings
from feature_repo.user_activity import UserActivity, advance
from streaming import broker, by_item, events
from streaming.dead_letters import Poison, bury
from streaming.events import InvalidEvent
from streaming.merge import Handover
from streaming.schemas import MESSAGES, broken, schema, text

DOCS = Path(__file__).parents[2] / "docs"
NOW = 1_750_000_000_000
DECODE: dict[str, Any] = {
    "interaction": events.interaction,
    "merge": events.merge,
    "item": events.item,
    "user": events.user,
}
MERGE: dict[str, Any] = {"action": "merge", "session_id": "s", "user_id": "7"}
CLICK: dict[str, Any] = {"user_id": "7", "item_id": "42", "action": "click"}


def valid(name: str, message: Any) -> bool:
    return bool(Draft202012Validator(schema(name)).is_valid(message))


def decoded(name: str, message: Any) -> bool:
    try:
        DECODE[name](json.dumps(message).encode(), NOW)
    except InvalidEvent:
        return False
    return True


@pytest.mark.parametrize("name", MESSAGES)
def test_the_schema_in_docs_is_current(name: str) -> None:
    command = "python -m streaming.schemas --to docs/schemas"
    assert (DOCS / "schemas" / f"{name}.json").read_text() == text(name), f"run: {command}"


@pytest.mark.parametrize("name", MESSAGES)
def test_the_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


def test_every_topic_has_a_schema_and_the_page_names_it() -> None:
    page = (DOCS / "events.md").read_text()
    assert {message.topic for message in MESSAGES.values()} == set(broker.TOPICS)
    assert all(f"schemas/{name}.json" in page for name in MESSAGES)


@pytest.mark.parametrize("name", DECODE)
def test_the_example_of_the_page_is_valid(name: str) -> None:
    [example] = re.findall(rf"```json {name}\n(.*?)```", (DOCS / "events.md").read_text(), re.DOTALL)
    assert valid(name, json.loads(example)) and decoded(name, json.loads(example))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("interaction", CLICK),
        ("interaction", {"session_id": "s", "item_id": "42", "action": "view", "timestamp": "2025-06-01T12:00:00Z"}),
        ("interaction", CLICK | {"unknown": {"is": "ignored"}, "position": None, "value": 3}),
        ("merge", MERGE),
        ("merge", MERGE | {"event_id": "e", "timestamp": "2025-06-01T12:00:00Z", "unknown": 1}),
        ("item", {"item_id": "42"}),
        ("item", {"item_id": "42", "published_at": -1, "attributes": {"minutes": 153, "country": "DE"}}),
        ("user", {"user_id": "7", "attributes": {}}),
    ],
)
def test_what_the_schema_takes_the_worker_takes(name: str, message: Any) -> None:
    assert valid(name, message) and decoded(name, message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("interaction", {"item_id": "42", "action": "click"}),
        ("interaction", CLICK | {"user_id": None}),
        ("interaction", CLICK | {"item_id": 42}),
        ("interaction", CLICK | {"item_id": ""}),
        ("interaction", CLICK | {"item_id": "x" * 257}),
        ("interaction", CLICK | {"action": "listen"}),
        ("interaction", CLICK | {"timestamp": 1_750_000_000}),
        ("interaction", CLICK | {"event_id": ""}),
        ("interaction", CLICK | {"position": -1}),
        ("interaction", CLICK | {"context": "phone"}),
        ("interaction", []),
        ("merge", MERGE | {"action": "click"}),
        ("merge", MERGE | {"user_id": None}),
        ("merge", MERGE | {"session_id": ""}),
        ("merge", {"action": "merge", "session_id": "s"}),
        ("item", {"title": "no id"}),
        ("item", {"item_id": "42", "categories": ["ok", ""]}),
        ("item", {"item_id": "42", "attributes": {"nested": {}}}),
        ("item", {"item_id": "42", "hidden": "no"}),
        ("user", {"user_id": "7", "attributes": ["F"]}),
    ],
)
def test_what_the_schema_refuses_the_worker_refuses(name: str, message: Any) -> None:
    assert not valid(name, message) and not decoded(name, message)


def test_what_the_worker_writes_is_valid() -> None:
    change = events.ItemChange("42", "item_content", 1, {"item_title": "Metropolis"})
    assert valid("item-change", msgspec.to_builtins(change))
    activity = advance(UserActivity(), "42", "click", NOW, ["drama"])
    place = {"timestamp": NOW, "source": 1, "offset": 0}
    sent = Handover(event_id="e", session_id="s", user_id="7", activity=activity, **place)
    assert valid("handover", msgspec.json.decode(events.encode(sent)))
    (envelope,) = by_item.envelopes(1, [(0, by_item.Entry(5, "42", "click", NOW))], 1)[0]
    assert valid("interactions-by-item", msgspec.msgpack.decode(by_item.encode(envelope)))


def test_a_logged_ranking_is_valid() -> None:
    ranking = rankings.LoggedRanking(
        request_id="r1",
        user_id="7",
        instant=NOW * 1000,
        model_version="1",
        slate=["42"],
        item_ids=["42"],
        scores=b"\0\0\0\0",
        tensors={},
        history_item_ids=[],
        user_stamps={"user_profile": 0},
        item_stamps={"item_content": b""},
    )
    assert valid("ranking", msgspec.to_builtins(ranking))


class Kept:
    """A topic that keeps the headers of what is sent."""

    def __init__(self) -> None:
        self.headers: list[dict[str, bytes]] = []

    async def send(self, headers: dict[str, bytes], **message: Any) -> Any:
        self.headers.append(headers)
        return asyncio.sleep(0)


def test_the_headers_of_a_dead_letter_are_valid() -> None:
    topic = Kept()
    message = SimpleNamespace(topic="items", partition=1, offset=42, key=b"x", value=b"{")
    poison = Poison(SimpleNamespace(message=message), "it is broken")  # type: ignore[arg-type]
    asyncio.run(bury([poison], topic))  # type: ignore[arg-type]
    [headers] = topic.headers
    read = {name: value.decode() for name, value in headers.items()}
    assert valid("dead-letter", read)
    assert read == {"topic": "items", "partition": "1", "offset": "42", "reason": "it is broken"}


def test_nothing_breaks_the_consumers_of_what_is_published() -> None:
    assert broken(DOCS / "schemas") == []


def test_a_break_is_found_before_it_is_written(tmp_path: Path) -> None:
    published = schema("interaction")
    published["$defs"]["Interaction"]["properties"]["colour"] = {"type": "string"}
    (tmp_path / "interaction.json").write_text(json.dumps(published))
    assert broken(tmp_path) == ["interaction: $.colour is gone"]
