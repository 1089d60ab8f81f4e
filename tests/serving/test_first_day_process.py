"""A shop on its first day, among real processes: events, and no model yet."""

from pathlib import Path

import pytest

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from tests.serving.live import Api, eventually

pytestmark = pytest.mark.process


def test_before_the_first_training_rankings_go_by_what_was_just_clicked(tmp_path: Path) -> None:
    environment = free_environment(tmp_path) | {"FRESHRANK_MODEL_REQUIRED": "false"}
    with running(environment, ["broker", "online-store", "worker", "api"]) as system:
        shop = Api(system, ["tea", "coffee", "cocoa"])
        eventually(lambda: set(shop.unready()) <= {"triton", "item_table"})
        items = [{"item_id": item_id, "title": item_id.title(), "categories": [item_id]} for item_id in shop.item_ids]
        assert shop.ask("/v1/items", items)[1]["accepted"] == 3
        eventually(lambda: not shop.rank()[1]["unknown_items"])
        eventually(lambda: set(shop.unready()) == {"triton"})  # what came by itself, the loader sees a moment later
        clicks = [{"user_id": f"user-{number}", "item_id": "coffee", "action": "click"} for number in range(5)]
        assert shop.ask("/v1/events", [*clicks, {"user_id": "fan", "item_id": "cocoa", "action": "click"}])[0] == 200

        eventually(lambda: shop.rank(user_id="nobody")[1]["items"][0]["item_id"] == "coffee")
        stranger = shop.ask("/v1/recommend", {"user_id": "nobody", "k": 3})[1]
        assert (stranger["model_version"], stranger["degraded"]) == ("none", ["model: live popularity"])
        eventually(lambda: shop.rank(user_id="fan")[1]["degraded"] == ["model: light score"])
        eventually(
            lambda: [each["item_id"] for each in shop.ask("/v1/search", {"query": "coco"})[1]["items"]] == ["cocoa"]
        )
