"""The peers' own example bodies, over HTTP, onto the topics of a real broker and into the features."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.http_client import HttpClient
from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo import features
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming import events
from streaming.broker import create_topics
from streaming.settings import StreamSettings
from tests.serving.adapters.bodies import NOW, example
from tests.streaming.live import Live

pytestmark = pytest.mark.process
READ: dict[str, Any] = {
    events.TOPIC_INTERACTIONS: events.interaction,
    events.TOPIC_ITEMS: events.item,
    events.TOPIC_USERS: events.user,
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A broker, a worker and an API; no model is needed to take events."""
    environment = free_environment(tmp_path_factory.mktemp("adapters")) | {"FRESHRANK_SESSION_TIMEOUT_S": "2"}
    with running(environment, ["broker", "online-store", "worker", "api"]) as system:
        create_topics(StreamSettings(broker=system.settings.broker))  # the worker may not have come to it yet
        settings = StoreSettings(redis=system.settings.redis, data_dir=system.settings.data_dir)
        yield Live(system, open_store(settings))


def post(live: Live, path: str, body: Any) -> tuple[int, Any]:
    client = HttpClient(live.system.settings.api_host, live.system.settings.api_port)
    try:
        status, answer = client.post(path, json.dumps(body).encode())
    finally:
        client.close()
    return status, json.loads(answer)


def arrived(live: Live, topic: str) -> list[tuple[str, Any]]:
    """Key and message of everything on a topic, as the worker reads it."""
    return [(record.key.decode(), READ[topic](record.value, NOW)) for record in live.records(topic)]


def history(live: Live, user_id: str) -> list[str]:
    """What the features say the user did."""
    rows = live.online(features.user_activity, user_id)
    return list(rows[user_id]["history_item_ids"]) if rows else []


def test_what_metarank_documents_arrives(live: Live) -> None:
    status, answer = post(live, "/feedback", example("metarank"))
    assert (status, answer["accepted"], answer["status"]) == (200, 4, "ok")
    theirs = [event for key, event in arrived(live, events.TOPIC_INTERACTIONS) if key == "user1"]
    assert [(event.action, event.item_id, event.position) for event in theirs] == [
        ("impression", "item3", 0),
        ("impression", "item1", 1),
        ("impression", "item2", 2),
        ("purchase", "item1", None),
    ]
    assert len({event.request_id for event in theirs}) == 1
    assert "You favourite cat" in [item.title for key, item in arrived(live, events.TOPIC_ITEMS) if key == "item1"]
    assert [user.attributes for _, user in arrived(live, events.TOPIC_USERS) if user.user_id == "user1"] == [
        {"age": 33.0, "gender": "m"}
    ]


def test_what_gorse_documents_arrives_and_a_retry_counts_once(live: Live) -> None:
    assert post(live, "/api/feedback", example("gorse-feedback")) == (200, example("gorse-answer"))
    assert post(live, "/api/feedback", example("gorse-feedback")) == (200, example("gorse-answer"))
    stars = [event for key, event in arrived(live, events.TOPIC_INTERACTIONS) if key == "bob"]
    assert [(event.action, event.item_id) for event in stars] == [("like", "vuejs:vue"), ("like", "d3:d3")] * 2
    post(live, "/api/feedback", {"FeedbackType": "like", "UserId": "bob", "ItemId": "last"})
    row = live.eventually(lambda: "last" in history(live, "bob") and history(live, "bob"))
    assert row == ["vuejs:vue", "d3:d3", "last"]
    assert post(live, "/api/items", example("gorse-items")) == (200, {"RowAffected": 1})
    assert post(live, "/api/users", example("gorse-users")) == (200, {"RowAffected": 1})
    assert [item.categories for key, item in arrived(live, events.TOPIC_ITEMS) if key == "vuejs:vue"] == [
        ["frontend", "javascript", "framework"]
    ]
    assert "bob" in [key for key, _ in arrived(live, events.TOPIC_USERS)]
