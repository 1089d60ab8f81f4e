"""A user of a running system is deleted over HTTP; afterwards no store, no cache and no byte on disk knows the id."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from feature_repo.settings import StoreSettings
from tests.serving.live import Api, eventually, running_api
from tests.streaming.searching import traces

pytestmark = pytest.mark.process
GONE, SESSION, OTHER = "gone-7f3a", "sess-91bc", "other-55d0"
NOON = "2026-01-01T12:00:00Z"
QUICK = {
    "FRESHRANK_ERASE_EVERY_S": "0.3",
    "FRESHRANK_ERASE_AGAIN_S": "1",
    "FRESHRANK_SESSION_TIMEOUT_S": "2",
    "FRESHRANK_USER_SALT": "salt",  # logs have pseudonyms
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("forget"), **QUICK) as started:
        started.system.start("worker")
        yield started


def delete(api: Api, path: str) -> Any:
    settings = api.system.settings
    url = f"http://{settings.api_host}:{settings.api_port}{path}"
    with urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=20) as answer:
        return json.load(answer)


def found(api: Api, needle: str) -> list[str]:
    settings = api.system.settings
    stores = StoreSettings(data_dir=settings.data_dir)
    return traces(settings.data_dir, settings.redis, stores.registry_url, needle=needle)


def known(api: Api, user_id: str) -> bool:
    return api.ask(f"/v1/users/{user_id}")[0] == 200


def met(api: Api, user_id: str) -> list[str]:
    return [visit["item_id"] for visit in api.ask(f"/v1/users/{user_id}")[1]["history"]]


def live_through(api: Api, user_id: str) -> None:
    """A profile, events, a session, a ranking and a page that was served."""
    api.ask("/v1/users", {"user_id": user_id, "attributes": {"age": "30"}})
    clicks = [{"user_id": user_id, "item_id": item_id, "action": "click"} for item_id in api.item_ids[:5]]
    seen = [{"session_id": f"{SESSION}-{user_id}", "item_id": api.item_ids[6], "action": "view"}]
    assert api.ask("/v1/events", [*clicks, *seen])[1]["accepted"] == 6
    api.ask(f"/v1/users/{user_id}/merge", {"session_id": f"{SESSION}-{user_id}"})
    eventually(lambda: known(api, user_id) and len(api.ask(f"/v1/users/{user_id}")[1]["history"]) == 6)
    assert api.rank(user_id=user_id)[1]["degraded"] == []
    assert api.ask("/v1/recommend", {"user_id": user_id, "surface": "home"})[0] == 200


def test_a_deleted_user_is_known_nowhere_and_the_receipt_says_what_was_removed(api: Api) -> None:
    for user_id in (GONE, OTHER):
        live_through(api, user_id)
    eventually(lambda: any("served" in place for place in found(api, GONE)))
    receipt_id = delete(api, f"/v1/users/{GONE}")["receipt_id"]
    eventually(lambda: api.ask(f"/v1/receipts/{receipt_id}")[1]["state"] == "done", timeout=60)
    eventually(lambda: not found(api, GONE))
    receipt = api.ask(f"/v1/receipts/{receipt_id}")[1]
    assert {each["store"]: each["rows"] for each in receipt["removed"]} == {
        "offline log: interactions": 6,
        "offline log: merges": 1,
        "offline log: user_activity": 8,
        "offline log: user_profile": 1,
        "online store: user_activity": 2,
        "online store: user_profile": 1,
    }
    assert not known(api, GONE) and known(api, OTHER) and found(api, OTHER)


def test_a_worker_that_is_killed_meanwhile_goes_on_where_it_was(api: Api) -> None:
    live_through(api, "gone-2nd")
    receipt_id = delete(api, "/v1/users/gone-2nd")["receipt_id"]
    eventually(lambda: api.ask(f"/v1/receipts/{receipt_id}")[1]["state"] != "asked")
    api.system.kill("worker")
    api.system.start("worker")
    eventually(lambda: api.ask(f"/v1/receipts/{receipt_id}")[1]["state"] == "done", timeout=60)
    eventually(lambda: not found(api, "gone-2nd"))


def test_users_as_last_read_are_dropped_as_well(api: Api) -> None:
    live_through(api, "gone-3rd")
    delete(api, "/v1/users/gone-3rd")
    eventually(lambda: not known(api, "gone-3rd"))
    api.system.kill("online-store")
    try:
        assert api.rank(user_id="gone-3rd")[1]["degraded"] == ["online_store: no features"]
        assert api.rank(user_id=OTHER)[1]["degraded"] == ["online_store: last known features"]
    finally:
        api.system.start("online-store")


def test_a_deleted_item_is_not_ranked_any_more_and_nobody_has_met_it(api: Api) -> None:
    item_id, fan = api.item_ids[2], "fan-3c9e"
    live_through(api, fan)
    assert item_id in met(api, fan)
    receipt_id = delete(api, f"/v1/items/{item_id}")["receipt_id"]
    eventually(lambda: api.rank(item_id)[1]["unavailable_items"] == [item_id])
    eventually(lambda: api.ask(f"/v1/receipts/{receipt_id}")[1]["state"] == "done", timeout=60)
    assert len(met(api, fan)) == 5 and item_id not in met(api, fan)
    clicks = [{"user_id": fan, "item_id": item_id, "action": "click", "timestamp": NOON}]
    clicks += [{"user_id": fan, "item_id": api.item_ids[7], "action": "click"}]
    assert api.ask("/v1/events", clicks)[1]["accepted"] == 2  # one of them is too late
    eventually(lambda: api.item_ids[7] in met(api, fan))
    assert item_id not in met(api, fan)
