"""Deleting users and items over HTTP, and the receipts."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from feature_repo.erasure_receipts import Receipt, Removal
from serving.errors import ReceiptsUnavailable
from serving.item_changes import ItemChanges
from serving.user_features import UserRows
from streaming.events import Deletion, ItemChange, encode
from tests.serving.fakes import FakeBus, FakeReceipts, World, api

T = 1_750_000_000_000


def test_a_deletion_is_a_tombstone_with_a_receipt() -> None:
    world = World()
    with api(world) as client:
        answer = client.delete("/v1/items/a%20b").json()
        assert client.delete("/v1/users/7").json()["receipt_id"] == "receipt-1"
    assert answer.pop("request_id") and answer == {"accepted": 1, "rejected": [], "receipt_id": "receipt-0"}
    assert world.bus.messages == [Deletion("items", "a b", "receipt-0"), Deletion("users", "7", "receipt-1")]
    assert [each.kind for each in world.receipts.kept.values()] == ["item", "user"]


def test_a_deletion_that_is_not_acknowledged_is_not_claimed() -> None:
    world = World(bus=FakeBus(refused={"7"}))
    with api(world) as client:
        assert client.delete("/v1/users/7").status_code == 503
    assert world.receipts.kept == {}


def test_what_cannot_be_written_down_is_not_deleted() -> None:
    world = World(receipts=FakeReceipts(error=ReceiptsUnavailable("the database is away")))
    with api(world) as client:
        answer = client.delete("/v1/users/7")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "receipts_unavailable")
    assert world.bus.messages == []


@pytest.mark.parametrize("user_id", ["x" * 257, "a%00b"])
def test_an_id_that_nobody_can_have_is_refused(user_id: str) -> None:
    with api(World()) as client:
        assert client.delete(f"/v1/users/{user_id}").json()["error"]["code"] == "invalid_request"


def test_a_receipt_says_what_was_removed_where() -> None:
    world = World()
    removals = [Removal("offline log: interactions", 81, T + 2000)]
    world.receipts.kept["r"] = Receipt("r", "user", T, T + 12, T + 5000, 0, removals)
    with api(world) as client:
        answer = client.get("/v1/receipts/r").json()
        missing = client.get("/v1/receipts/s")
    assert (answer["state"], answer["done_at"]) == ("done", "2025-06-15T15:06:45.000Z")
    assert answer["removed"] == [{"store": "offline log: interactions", "rows": 81, "at": "2025-06-15T15:06:42.000Z"}]
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_known")


def test_users_as_last_read_are_forgotten_at_once_here_and_with_the_tombstone_elsewhere() -> None:
    world, forgotten = World(), list[str]()
    world.guards.last_known.put("7", UserRows({}, {}))
    with api(world) as client:
        client.delete("/v1/users/7")
    assert world.guards.last_known.get("7") is None

    loop: Any = SimpleNamespace(call_soon_threadsafe=lambda call, *given: call(*given))
    heard: list[ItemChange] = []
    changes = ItemChanges("", heard.extend, loop, forgotten.append)
    gone = SimpleNamespace(topic="users", key=b"8", value=None)
    kept = SimpleNamespace(topic="users", key=b"9", value=b"{}")
    change = ItemChange("a", "item_content", 1, {})
    changed = SimpleNamespace(topic="item-changes", key=b"", value=encode(change), offset=1)
    changes._hand_over({0: [gone, kept], 1: [changed]})
    assert forgotten == ["8"] and heard == [msgspec.structs.replace(change)]
