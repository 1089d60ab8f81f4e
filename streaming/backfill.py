"""history -> the rows that the stream would have written for it.

    python -m streaming.backfill data/ml-100k               everything in the folder
    python -m streaming.backfill data/ml-100k --until 0.8   the first 80 % in time
    python -m streaming.backfill shop/ --until 2026-03-01 --replace
    python -m streaming.backfill shop/ --source postgresql://shop@db/shop --query "SELECT user_id, item_id, ..."

Every interaction writes a user row and an item row to the offline log; the last row of each goes to the online store.
A backfill that was stopped goes on where it was when the same command is given again. Rows that are no interaction
are left out and written to backfill-rejects.jsonl in the data directory, each with its reason.
"""

import argparse
import os
import shutil
import sys
import time
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from feature_repo.features import item_content, user_profile
from feature_repo.garbage import collect_seldom
from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from streaming import shard, spool, workers
from streaming.events import InvalidEvent
from streaming.parts import drop_unfinished
from streaming.prepare import REJECTS, prepare, shards
from streaming.row_log import RowLog, open_log
from streaming.shard import Work
from streaming.sources import Source, estimate, identity
from streaming.spool import Plan

SMALLEST_SHARD = 10_000  # events that are worth a process


class Outcome(NamedTuple):
    """What a backfill did."""

    rows: dict[str, int]  # how many of what were written, left out or there twice
    seconds: dict[str, float]  # of its phases


def run(
    source: Path | Source, until: str | None, settings: StoreSettings, replace: bool = False, processes: int = 1
) -> Outcome:
    """Backfill from a folder or a database.

    Raises FileExistsError where the log has rows, FileNotFoundError or InvalidEvent where the source is not one.
    """
    source = Source(source) if isinstance(source, Path) else source
    rows, folder = estimate(source), _spool(settings)
    processes = 1 if 0 < rows < 2 * SMALLEST_SHARD else processes
    known, started = identity(source) | {"until": until}, time.perf_counter()
    with workers.workers(processes) as (executor, count), _bar() as bar:
        log, plan = open_log(settings), saved_plan(settings)
        if plan is None or plan.source != known:
            _check_empty(log, plan, replace)
            registered = executor.submit(_register, settings)
            plan = prepare(source, known, folder, settings, shards(rows, processes), log, bar)
            registered.result()
        drop_unfinished(log)
        read = {"reading": time.perf_counter() - started}
        outcome = _write(Work(folder, plan, settings, workers.report), executor, count, bar)
    (folder / spool.PLAN).unlink()
    shutil.rmtree(folder)
    return outcome._replace(seconds=read | outcome.seconds)


def saved_plan(settings: StoreSettings) -> Plan | None:
    """What a backfill that was not finished still has to do."""
    return spool.saved_plan(_spool(settings))


def _spool(settings: StoreSettings) -> Path:
    return settings.data_dir.resolve() / "backfill"


def _bar() -> "tqdm[Any]":
    return tqdm(desc="backfill: reading", unit=" rows", file=sys.stderr, delay=0.2)


def _check_empty(log: RowLog, plan: Plan | None, replace: bool) -> None:
    if replace:
        return
    if plan:
        raise FileExistsError(
            "a backfill of another source, or of this one before it changed, was not finished: "
            "give its command again to finish it, or add --replace to start anew"
        )
    if not log.is_empty():
        raise FileExistsError(
            f"{log} already has rows. A backfill starts from nothing: add --replace to write it anew, "
            f"or start with an empty store"
        )


def _register(settings: StoreSettings) -> None:
    apply(open_store(settings))


def _write(work: Work, executor: Executor, count: Any, bar: "tqdm[Any]") -> Outcome:
    """Write all rows: those of items when it is known which events users had twice."""
    bar.set_description("backfill: writing", refresh=False)
    bar.reset(total=2 * work.plan.events)
    numbers, times = range(work.plan.shards), [time.perf_counter()]
    catalogue = [executor.submit(shard.content, work, view.name) for view in (item_content, user_profile)]
    users = workers.watch([executor.submit(shard.users, work, each) for each in numbers], count, bar)
    times.append(time.perf_counter())
    items = workers.watch([executor.submit(shard.items, work, each) for each in numbers], count, bar)
    content, profile = workers.watch(catalogue, count, bar)
    times.append(time.perf_counter())
    duplicates = sum(len(done.twice) for done in users)
    rows = {
        "interactions": work.plan.events - duplicates,
        "duplicates": duplicates,
        "rejected": work.plan.rejected,
        "item_content": content.entities,
        "user_profile": profile.entities,
        "user_activity": sum(done.entities for done in users),
        "item_activity": sum(done.entities for done in items),
    }
    return Outcome(rows, {"users": times[1] - times[0], "items": times[2] - times[1]})


def _source(options: argparse.Namespace) -> Source:
    named = {"interactions": options.query, "items": options.items_query, "users": options.users_query}
    queries = {name: query for name, query in named.items() if query}
    if bool(options.source) != bool(queries):
        raise InvalidEvent("--source is the database that --query, --items-query and --users-query ask: give both")
    if not options.folder and "interactions" not in queries:
        raise InvalidEvent("give a folder, or --source with --query")
    return Source(options.folder, options.source or "", queries)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m streaming.backfill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="interactions, items, users (.parquet, .csv or .jsonl)")
    parser.add_argument("--source", help="SQLAlchemy URL of a database, for what has a query")
    parser.add_argument("--query", help="SQL that gives the columns of interactions")
    parser.add_argument("--items-query", help="SQL that gives the columns of items")
    parser.add_argument("--users-query", help="SQL that gives the columns of users")
    parser.add_argument("--until", help="a share of the time span's events (0.8) or an ISO 8601 time")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one per core")
    parser.add_argument("--replace", action="store_true", help="drop the rows that the offline log has")
    options = parser.parse_args()
    collect_seldom()
    started, settings = time.perf_counter(), StoreSettings()
    try:
        outcome = run(_source(options), options.until, settings, options.replace, options.processes)
    except (FileNotFoundError, FileExistsError, InvalidEvent) as error:
        sys.exit(f"backfill: {error}")
    except (BrokenProcessPool, KeyboardInterrupt) as error:
        sys.exit(f"backfill: stopped ({type(error).__name__}); the same command goes on where it was")
    phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in outcome.seconds.items())
    rows = ", ".join(f"{count:,} {name}" for name, count in outcome.rows.items())
    print(f"{rows} in {time.perf_counter() - started:.1f} s ({phases})")
    if outcome.rows["rejected"]:
        print(f"rejected rows, each with its reason: {settings.data_dir / REJECTS}")


if __name__ == "__main__":
    main()
