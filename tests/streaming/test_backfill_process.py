"""The command, killed on its way and given again, with a real online store."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from benchmarks.backfill import make
from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo.features import item_activity, user_activity
from feature_repo.online import OnlineRows
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store

pytestmark = pytest.mark.process
EVENTS = 60_000
DEADLINE_S = 120


def started(environment: dict[str, str], history: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "streaming.backfill", str(history), "--processes", "2"]
    assignments = [f"{name}={value}" for name, value in environment.items()]
    return subprocess.Popen(["env", *assignments, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: "subprocess.Popen[str]") -> str:
    printed, complaints = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, complaints[-3000:]
    return printed


def killed_half_way(process: "subprocess.Popen[str]", data: Path) -> list[int]:
    """SIGKILL when the first part is written; returns the processes that it had."""
    deadline = time.monotonic() + DEADLINE_S
    while not list(data.glob("offline/user_activity/backfill-*.parquet")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    return [int(child) for child in children]


def has_ended(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def log_of(data: Path, name: str) -> pa.Table:
    rows = ds.dataset(str(data / "offline" / name)).to_table().drop(["created"])
    return rows.sort_by([(rows.column_names[0], "ascending"), ("event_timestamp", "ascending")]).combine_chunks()


def online_of(environment: dict[str, str], view: Any, entity: str) -> dict[str, Any]:
    settings = StoreSettings(data_dir=Path(environment["FRESHRANK_DATA_DIR"]), redis=environment["FRESHRANK_REDIS"])
    ids = log_of(settings.data_dir, view.name)[entity].unique().to_pylist()
    return {key: row for key, row in OnlineRows(open_store(settings), view).read(ids).items()}


def test_a_backfill_killed_half_way_and_given_again_ends_with_the_same_rows(tmp_path: Path) -> None:
    history = make(tmp_path, EVENTS, (300, 300))
    undisturbed, disturbed = (free_environment(tmp_path / name) for name in ("undisturbed", "disturbed"))
    online = []
    for environment in (undisturbed, disturbed):
        with running(environment, ["online-store"]):
            if environment is disturbed:
                data = Path(environment["FRESHRANK_DATA_DIR"])
                orphans = killed_half_way(started(environment, history), data)
                assert (data / "backfill" / "plan.json").exists()
            assert finished(started(environment, history)).startswith(f"{EVENTS:,} interactions, 0 duplicates")
            views = ((user_activity, "user_id"), (item_activity, "item_id"))
            online.append([online_of(environment, view, entity) for view, entity in views])
    assert all(has_ended(orphan) for orphan in orphans), os.getpid()
    assert online[0] == online[1]
    for name in ("user_activity", "item_activity", "interactions", "item_content"):
        first, second = (log_of(Path(each["FRESHRANK_DATA_DIR"]), name) for each in (undisturbed, disturbed))
        assert first.equals(second)
    assert not (data / "backfill").exists()
