"""Many small parts become few large ones, and nobody misses or counts anything meanwhile."""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from feature_repo.settings import StoreSettings
from feature_repo.user_activity import UserActivity, advance
from streaming import compaction
from streaming.__main__ import compact_every
from streaming.compaction import compact
from streaming.events import Interaction
from streaming.ledger import UserLedger
from streaming.offline_log import INTERACTIONS, OfflineLog, new_part
from streaming.rows import TrackedUser, interaction_row, user_row

T = 1_750_000_000_000


@pytest.fixture
def log(tmp_path: Path) -> OfflineLog:
    """Thirty parts of one user's rows and interactions each, the last two equal as after a crash."""
    log, activity = OfflineLog(tmp_path / "offline"), UserActivity()
    for number in range(29):
        activity = advance(activity, f"i{number}", "click", T + number)
        row = user_row("ann", TrackedUser(activity, UserLedger((T + number) * 1000)))
        event = Interaction(event_id=f"e{number}", user_id="ann", item_id=f"i{number}", action="click", timestamp=T)
        for _ in range(2 if number == 28 else 1):
            part = new_part()
            log.append("user_activity", part, [row])
            log.append(INTERACTIONS, part, [interaction_row(event, row.stamp)])
    return log


def rows(log: OfflineLog, table: str) -> Counter[Any]:
    """Rows of a table and how often each is there."""
    found = (row for part in (log.folder / table).glob("*.parquet") for row in pq.read_table(part).to_pylist())
    return Counter(str({name: value for name, value in row.items() if name != "created"}) for row in found)


def parts(log: OfflineLog, table: str) -> list[str]:
    return sorted(part.name for part in (log.folder / table).glob("*.parquet") if part.stem != "no-rows")


@pytest.mark.parametrize("table", ["user_activity", INTERACTIONS])
def test_every_row_is_there_once_afterwards(log: OfflineLog, table: str) -> None:
    before = rows(log, table)
    assert sorted(before.values()) == [1] * 28 + [2]
    assert compact(log.folder, grace_s=0, settled_s=0) == 60
    assert rows(log, table) == dict.fromkeys(before, 1)
    assert len(parts(log, table)) == 1


def test_parts_of_before_a_column_was_there_are_merged_with_those_that_have_it(log: OfflineLog) -> None:
    for part in sorted((log.folder / INTERACTIONS).glob("1*.parquet"))[:9]:
        pq.write_table(pq.read_table(part).drop_columns("context"), part)
    before = len(list((log.folder / INTERACTIONS).glob("1*.parquet")))
    compact(log.folder, grace_s=0, settled_s=0)
    [merged] = (log.folder / INTERACTIONS).glob("merged-*.parquet")
    assert before == 30 and pq.read_table(merged).column("context").null_count == 29


def test_readers_keep_what_they_listed_until_the_grace_is_over(log: OfflineLog) -> None:
    listed = parts(log, "user_activity")
    assert compact(log.folder, grace_s=900, settled_s=0) == 60
    assert set(listed) < set(parts(log, "user_activity"))
    assert compact(log.folder, grace_s=900, settled_s=0) == 0  # what waits is not merged once more
    assert compact(log.folder, grace_s=0, settled_s=0) == 0
    assert len(parts(log, "user_activity")) == 1


def test_young_few_large_and_backfilled_parts_are_left_alone(log: OfflineLog, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compact(log.folder, grace_s=0) == 0  # none is a minute old
    monkeypatch.setattr(compaction, "FEWEST", 31)
    assert compact(log.folder, grace_s=0, settled_s=0) == 0
    monkeypatch.setattr(compaction, "FEWEST", 1)
    monkeypatch.setattr(compaction, "SMALL_BYTES", 1)
    assert compact(log.folder, grace_s=0, settled_s=0) == 0
    for part in (log.folder / "user_activity").glob("1*.parquet"):
        part.rename(part.with_name(f"backfill-{part.name}"))
    monkeypatch.setattr(compaction, "SMALL_BYTES", 1 << 20)
    compact(log.folder, grace_s=0, settled_s=0)
    assert len(parts(log, "user_activity")) == 30


def test_a_large_part_is_no_larger_than_it_should_be(log: OfflineLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "LARGE_BYTES", 1)
    before = rows(log, "user_activity")
    compact(log.folder, grace_s=0, settled_s=0)
    assert len(parts(log, "user_activity")) == 30  # each its own, the size of one part is enough
    assert rows(log, "user_activity") == before


def test_a_crash_before_the_small_parts_are_gone_is_made_good(log: OfflineLog, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(log, "user_activity")
    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", lambda *_, **__: sys.exit("killed"))
        with pytest.raises(SystemExit):
            compact(log.folder, grace_s=0, settled_s=0)
    compact(log.folder, grace_s=0, settled_s=0)
    assert rows(log, "user_activity") == dict.fromkeys(before, 1)


def test_two_processes_do_not_merge_at_once(log: OfflineLog) -> None:
    with (log.folder / ".compaction").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert compact(log.folder, grace_s=0, settled_s=0) == 0
    assert compact(log.folder, grace_s=0, settled_s=0) == 60


def test_the_command_says_what_it_did(log: OfflineLog) -> None:
    command = ["env", f"FRESHRANK_DATA_DIR={log.folder.parent}", sys.executable, "-m", "streaming.compaction"]
    done = subprocess.run([*command, "--grace", "0"], capture_output=True, text=True, check=True)
    assert done.stdout == f"60 small parts merged in {log.folder}\n"


def test_a_worker_merges_now_and_then(log: OfflineLog) -> None:
    timers: dict[float, Any] = {}
    app: Any = SimpleNamespace(timer=lambda interval: lambda function: timers.setdefault(interval, function))
    compact_every(7.0, app, StoreSettings(data_dir=log.folder.parent))
    for part in log.folder.glob("*/1*.parquet"):
        os.utime(part, (0, 0))
    asyncio.run(timers[7.0]())
    assert any(part.startswith("merged-") for part in parts(log, "user_activity"))
