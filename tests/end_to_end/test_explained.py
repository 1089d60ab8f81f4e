"""What a trained model is said to go by is what it goes by."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from feature_repo.features import user_activity, user_profile
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from tests.end_to_end import world
from tests.end_to_end.conftest import Whole

CATALOGUE = world.items()["item_id"].tolist()
HISTORY = ("history_item_ids", "history_actions", "history_timestamps")


def without(row: Mapping[str, Any], item_id: str) -> dict[str, Any]:
    """The row of a user who never met this item."""
    kept = [place for place, other in enumerate(row["history_item_ids"]) if other != item_id]
    known = {name: value for name, value in row.items() if value is not None}
    return known | {name: [row[name][place] for place in kept] for name in HISTORY}


def ranked(whole: Whole, user_id: str, **asked: Any) -> dict[str, Any]:
    asked = {"user_id": user_id, "items": CATALOGUE, "k": 20, **asked}
    answer = whole.api.post("/v1/rank", params={"dry_run": "1"}, json=asked)  # unlogged: these users have no history
    assert answer.status_code == 200, answer.text
    return {each["item_id"]: each for each in answer.json()["items"]}


def test_removing_the_top_item_of_the_history_lowers_the_score_more_than_removing_a_random_one(whole: Whole) -> None:
    environment = whole.system.environment
    settings = StoreSettings(data_dir=Path(environment["FRESHRANK_DATA_DIR"]), redis=environment["FRESHRANK_REDIS"])
    store = open_store(settings)
    users, profiles = OnlineRows(store, user_activity), OnlineRows(store, user_profile)
    fans = [f"space-fan-{number}" for number in (1, 3, 5)]
    top_drops, random_drops = [], []
    for fan in fans:
        row = users.read([fan])[fan].values
        told = ranked(whole, fan, explain=True, deadline_ms=10_000)
        met = list(dict.fromkeys(row["history_item_ids"]))
        lacking = {item_id: f"{fan}-{uuid4().hex}" for item_id in met}
        stamp = time.time_ns() // 1000
        users.write([Row(name, stamp, without(row, item_id)) for item_id, name in lacking.items()])
        if profile := profiles.read([fan]).get(fan):
            profiles.write([Row(name, stamp, profile.values) for name in lacking.values()])
        left = {item_id: ranked(whole, name, k=len(CATALOGUE)) for item_id, name in lacking.items()}
        for candidate, place in told.items():
            drops = {item_id: place["score"] - left[item_id][candidate]["score"] for item_id in met}
            history = place["explanation"]["history"]
            assert history and abs(drops[history[0]["item_id"]] - history[0]["adds"]) < 0.02  # time goes on meanwhile
            top_drops.append(drops[history[0]["item_id"]])
            random_drops.append(float(np.mean(list(drops.values()))))
    assert all(top > random for top, random in zip(top_drops, random_drops, strict=True))
    print(f"without the top item {np.mean(top_drops):.3f} lower, without a random one {np.mean(random_drops):.3f}")
