"""What the model saw is what Feast's history says; a planted error is found."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

from deploy.laptop.demo_probes import wait_until
from feature_repo.features import user_profile
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from tests.end_to_end import world
from tests.end_to_end.conftest import Whole

CATALOGUE = world.items()["item_id"].tolist()


def ask(whole: Whole, user_id: str) -> str:
    answer = whole.api.post("/v1/rank", json={"user_id": user_id, "items": CATALOGUE})
    return str(answer.json()["request_id"])


def click(whole: Whole, user_id: str, *item_ids: str) -> None:
    events = [{"user_id": user_id, "item_id": item_id, "action": "click"} for item_id in item_ids]
    assert whole.api.post("/v1/events", json=events).json()["accepted"] == len(events)


def logged(whole: Whole) -> int:
    lines = whole.api.get("/metrics").text.splitlines()
    [line] = [each for each in lines if each.startswith('freshrank_logged_rankings_total{outcome="logged"}')]
    return round(float(line.split()[-1]))


def skew(whole: Whole) -> tuple[int, Any]:
    """Exit code and report of the check."""
    assignments = [f"{name}={value}" for name, value in whole.system.environment.items()]
    command = ["env", *assignments, sys.executable, "-m", "training.skew", "--json", "--sample", "1000"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.stdout, finished.stderr
    return finished.returncode, json.loads(finished.stdout)


def rank_and_log(whole: Whole, *user_ids: str) -> None:
    before = logged(whole)
    for user_id in user_ids:
        ask(whole, user_id)
    wait_until(lambda: logged(whole) >= before + len(user_ids), 10, "the rankings to be logged")


@contextmanager
def altered(part: Path, **columns: float) -> Iterator[None]:
    """Columns of a part of the offline log are multiplied until the block ends."""
    kept = part.read_bytes()
    rows = pd.read_parquet(part)
    rows.assign(**{name: rows[name] * factor for name, factor in columns.items()}).to_parquet(part, index=False)
    try:
        yield
    finally:
        part.write_bytes(kept)


def test_there_is_no_skew_while_events_come_in(whole: Whole) -> None:
    users = [f"watched-{uuid4().hex}" for _ in range(3)]
    for number in range(30):
        click(whole, users[number % 3], CATALOGUE[number % len(CATALOGUE)])
        rank_and_log(whole, users[number % 3], "space-fan-1", "nobody")
    code, report = skew(whole)
    assert (code, report["skewed"]) == (0, []), report["examples"]
    assert report["rankings"] >= 90
    assert report["features"]["history_item_ids"]["compared"] == report["rankings"]
    assert report["features"]["item_ctr_7d"]["compared"] >= 90 * len(CATALOGUE)


def test_a_changed_value_offline_is_found(whole: Whole) -> None:
    rank_and_log(whole, "space-fan-1")
    folder = Path(whole.system.environment["FRESHRANK_DATA_DIR"]) / "offline" / "item_activity"
    biggest = max(folder.glob("*.parquet"), key=lambda part: part.stat().st_size)
    with altered(biggest, item_ctr_7d=1.5):
        code, report = skew(whole)
    assert (code, report["skewed"]) == (1, ["item_ctr_7d"])
    assert "Feast's history has" in report["examples"][0]


def test_a_row_that_was_written_online_only_is_found(whole: Whole) -> None:
    user_id = f"rogue-{uuid4().hex}"
    environment = whole.system.environment
    settings = StoreSettings(data_dir=Path(environment["FRESHRANK_DATA_DIR"]), redis=environment["FRESHRANK_REDIS"])
    row = Row(user_id, time.time_ns() // 1000, {"user_attributes": ["planted=1"]})
    OnlineRows(open_store(settings), user_profile).write([row])
    rank_and_log(whole, user_id)
    code, report = skew(whole)
    assert (code, report["skewed"]) == (1, ["user_attributes"])
    assert user_id in report["examples"][0]
