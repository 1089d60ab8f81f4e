"""a source -> a spool with a plan: what is read once, before anything is written."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from math import ceil
from pathlib import Path
from typing import Any

from tqdm import tqdm

from feature_repo.erasure import open_erasures
from feature_repo.settings import StoreSettings
from streaming import contents, spool, unforgotten
from streaming.columns import events
from streaming.events import InvalidEvent
from streaming.rejects import Rejects
from streaming.row_log import RowLog
from streaming.sources import Source, batches
from streaming.spool import Plan
from streaming.until import last_moment

LARGEST_SHARD = 500_000  # events that a process has in memory at a time
REJECTS = "backfill-rejects.jsonl"


def shards(rows: int, processes: int) -> int:
    """Into how many shards about so many rows go: a multiple of the processes."""
    return processes * max(1, ceil(rows / (LARGEST_SHARD * processes))) if rows else 4 * processes


def prepare(
    source: Source,
    known: dict[str, Any],
    folder: Path,
    settings: StoreSettings,
    shards: int,
    log: RowLog,
    bar: "tqdm[Any]",
) -> Plan:
    """Spool the source and empty the log; from here on a backfill that is stopped goes on."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with Rejects(settings.data_dir.resolve() / REJECTS) as rejects, closing(open_erasures(settings)) as erasures:
        found = unforgotten.events(_interactions(source, rejects), erasures)
        read = spool.scatter(found, folder, shards, bar.update)
        if not read and rejects.count:
            raise InvalidEvent(f"no row of {source} is an interaction; {rejects.first} (all of them: {rejects.path})")
        times = spool.times(folder, shards)
        latest = last_moment(times, until) if (until := known["until"]) else None
        times = times if latest is None else times[times <= latest]
        begin = int(times.min()) if len(times) else 0
        contents.save(source, folder, begin, rejects, erasures)
    log.clear()
    plan = Plan(known, shards, len(times), begin, latest, rejects.count)
    spool.save_plan(folder, plan)
    return plan


def _interactions(source: Source, rejects: Rejects) -> Iterator[Any]:
    reject = rejects.of("interactions")
    return (events(batch, first, where, reject) for first, batch, where in batches(source, reject))
