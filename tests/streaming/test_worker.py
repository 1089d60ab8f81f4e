"""The worker on a real broker and a real Redis."""

import subprocess
import sys
from typing import Any

import pytest

from feature_repo import features
from feature_repo.user_activity import UserActivity
from streaming.events import Deletion, Interaction, Item, Merge, User, item_change
from streaming.replay import letters, replay
from streaming.rows import user_from_row
from tests.streaming.live import Live, T, interactions

pytestmark = pytest.mark.process


def test_events_arrive_in_both_stores_and_equal_the_pure_functions(worker: Live) -> None:
    events = interactions("arrive", 400)
    worker.send(events + events[-5:])  # the last five twice: a producer's duplicates
    worker.eventually(lambda: worker.counted(events))
    worker.check(events)


def test_the_catalogue_follows_its_topics(worker: Live) -> None:
    worker.send(
        [Item(item_id="film", title="Heat", categories=["crime"]), User(user_id="ann", attributes={"age": "30"})]
    )
    worker.eventually(lambda: worker.online(features.item_content, "film"))
    worker.eventually(lambda: worker.online(features.user_profile, "ann"))
    assert worker.online(features.item_content, "film")["film"]["item_title"] == "Heat"
    assert worker.online(features.user_profile, "ann")["ann"]["user_attributes"] == ["age=30"]
    worker.send([Item(item_id="film", title="Heat (1995)", timestamp=T)])  # says it is older, but comes later
    worker.eventually(lambda: worker.online(features.item_content, "film")["film"]["item_title"] == "Heat (1995)")
    worker.send([Deletion("items", "film"), Deletion("users", "ann")])
    worker.eventually(lambda: not worker.online(features.item_content, "film")["film"]["item_available"])
    worker.eventually(lambda: not worker.online(features.user_profile, "ann"))
    assert worker.online(features.item_content, "film")["film"]["item_title"] == ""


def test_a_users_affinity_knows_the_catalogue(worker: Live) -> None:
    worker.send([Item(item_id="western", categories=["west"])])
    worker.eventually(lambda: worker.online(features.item_content, "western"))
    worker.send([Interaction(user_id="bob", item_id="western", action="click", timestamp=T)])
    row = worker.eventually(lambda: worker.online(features.user_activity, "bob"))["bob"]
    assert (row["user_categories"], row["user_category_weights"]) == (["west"], [1.0])


def test_a_sessions_events_become_the_users_when_it_is_merged(worker: Live) -> None:
    session = {"session_id": "anonymous", "item_id": "seen"}
    worker.send(
        [Interaction(action="click", timestamp=T, **session), Interaction(action="like", timestamp=T, **session)]
    )
    row = worker.eventually(lambda: worker.online(features.user_activity, "session:anonymous"))["session:anonymous"]
    assert row["history_item_ids"][0] == "seen"
    worker.send([Merge(session_id="anonymous", user_id="known")])
    row = worker.eventually(lambda: worker.online(features.user_activity, "known"))["known"]
    assert row["history_actions"] == [3, 4]
    left = worker.online(features.user_activity, "session:anonymous")["session:anonymous"]
    assert user_from_row(left).activity == UserActivity()


def test_caches_hear_of_content_and_of_activity(worker: Live) -> None:
    worker.send([Item(item_id="heard", title="Alien")])
    worker.send([Interaction(user_id="eve", item_id="heard", action="click", timestamp=T)])

    def changes() -> dict[str, Any]:
        records = [record for record in worker.records("item-changes") if record.key.endswith(b"/heard")]
        return {record.key.decode(): item_change(record.value) for record in records}

    found = worker.eventually(lambda: len(told := changes()) == 2 and told)
    assert found["item_content/heard"].row["item_title"] == "Alien"
    assert found["item_activity/heard"].row["item_activity_at"] == T


def _letter(worker: Live, partition: int, offset: int) -> Any:
    for record in worker.records("dead-letters"):
        headers = dict(record.headers)
        if (headers.get("partition"), headers.get("offset")) == (str(partition).encode(), str(offset).encode()):
            return record
    return None


@pytest.mark.parametrize(
    ("topic", "key", "value", "reason"),
    [
        ("interactions", b"u", b"{not json", b"malformed"),
        ("interactions", b"u", b'{"user_id": "u", "item_id": 5, "action": "view"}', b"$.item_id"),
        ("interactions", b"u", b'{"user_id": "u", "item_id": "1", "action": "view", "position": 1e99}', b"$.position"),
        ("interactions", b"u", None, b"null"),
        ("interactions", b"v", b'{"user_id": "u", "item_id": "1", "action": "view"}', b"must be its user"),
        ("interactions", b"u", b'{"action": "merge", "session_id": "s", "user_id": "u"}', b"must be its user"),
        ("interactions", b"session:s", b'{"action": "merge", "session_id": "s"}', b"`user_id`"),
        ("interactions", b"u", b'{"action": "handover", "user_id": "u"}', b"`event_id`"),
        ("items", b"1", b'{"item_id": "2"}', b"the key is '1'"),
        ("items", None, b'{"item_id": "2"}', b"needs its id as key"),
        ("items", b"1", b'{"item_id": "1", "published_at": 1000000000000000000000}', b"`published_at`"),
        ("users", b"\xff", b'{"user_id": "2"}', b"not UTF-8"),
        ("interactions-by-item", None, b"garbage", b"not an envelope"),
    ],
)
def test_what_cannot_be_read_is_buried_with_its_origin(
    worker: Live, topic: str, key: bytes | None, value: bytes | None, reason: bytes
) -> None:
    sent = worker.send_raw(topic, key, value)
    letter = worker.eventually(lambda: _letter(worker, sent.partition, sent.offset))
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (key, value or b"")
    assert headers["topic"] == topic.encode()
    assert reason in headers["reason"]


def test_the_worker_goes_on_after_poison(worker: Live) -> None:
    events = interactions("after poison", 20)
    worker.send_raw("interactions", b"x", b"\xff")
    worker.send(events)
    worker.eventually(lambda: worker.counted(events))
    worker.check(events)


def test_a_letter_that_can_be_read_by_now_goes_back_once(worker: Live) -> None:
    value = b'{"event_id": "back", "user_id": "late", "item_id": "1", "action": "view", "timestamp": 1750000000000}'
    worker.send_raw("interactions", b"under another key", value)
    worker.eventually(lambda: [letter for letter in letters(worker.broker) if letter.value == value])
    assert value in [letter.value for letter in replay(worker.broker, letters(worker.broker, "interactions"))]
    row = worker.eventually(lambda: worker.online(features.user_activity, "late"))["late"]
    assert row["history_item_ids"] == ["1"]
    assert value not in [letter.value for letter in letters(worker.broker)]
    assert replay(worker.broker, letters(worker.broker, "interactions")) == []


def test_the_command_lists_letters_and_reasons(worker: Live) -> None:
    worker.send_raw("interactions", b"x", b"listed")
    worker.eventually(lambda: [letter for letter in letters(worker.broker) if letter.value == b"listed"])
    command = ["env", f"FRESHRANK_BROKER={worker.broker}", sys.executable, "-m", "streaming.dead_letters", "list"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "JSON is malformed" in output
    assert "b'listed'" in output
    assert output.splitlines()[-1].endswith("dead letters")
