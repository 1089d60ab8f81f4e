"""history -> the stream's own pure functions -> the rows the stream would have written.

    python -m streaming.backfill data/ml-100k               everything in the folder
    python -m streaming.backfill data/ml-100k --until 0.8   the first 80 % in time
    python -m streaming.backfill shop/ --until 2026-03-01 --replace

Every interaction writes a user row and an item row to the offline log; the last row of each goes to the online store.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from feature_repo.features import item_content, user_profile
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from streaming import shard
from streaming.events import InvalidEvent, Item, User, epoch_ms
from streaming.garbage import collect_seldom
from streaming.history import interactions, messages, read_table
from streaming.row_log import open_log
from streaming.rows import content_row, profile_row
from streaming.shard import write_online

SMALLEST_SHARD = 10_000  # events that are worth a process


def cut(table: pd.DataFrame, until: str | None) -> pd.DataFrame:
    """The events at or before ``until``: an ISO 8601 time, or a share of all times between 0 and 1."""
    if until is None:
        return table
    try:
        share = float(until)
    except ValueError:
        return table[table["timestamp"] <= epoch_ms(until, 0, "--until")]
    if not 0 < share <= 1:
        raise InvalidEvent(f"--until {until} is neither an ISO 8601 time nor a share between 0 and 1")
    return table[table["timestamp"] <= table["timestamp"].quantile(share)]


def run(
    folder: Path, until: str | None, settings: StoreSettings, replace: bool = False, processes: int = 1
) -> dict[str, int]:
    """Backfill from a folder; returns how many rows of what were written."""
    log = open_log(settings)
    if not log.is_empty() and not replace:
        raise FileExistsError(
            f"{log} already has rows. A backfill starts from nothing: add --replace to write it anew, "
            f"or start with an empty store"
        )
    log.clear()
    table = cut(interactions(folder), until)
    begin = int(table["timestamp"].min()) if len(table) else 0
    contents, profiles = _catalogue(folder, begin)
    categories = {row.entity_id: row.values["item_categories"] for row in contents}
    distinct = without_duplicates(table)
    with _shards(distinct, categories, settings, processes) as (register, finish):
        store = open_store(settings)
        apply(store)
        register()
        for view, rows in ((item_content, contents), (user_profile, profiles)):
            log.append(view.name, "backfill", rows)
            write_online(OnlineRows(store, view), rows)
        users, items = finish()
    counts = {"interactions": len(distinct), "duplicates": len(table) - len(distinct)}
    views = {
        "item_content": len(contents),
        "user_profile": len(profiles),
        "user_activity": users,
        "item_activity": items,
    }
    return counts | views


def without_duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """The first event of each user and event id; an event without an id is one of its own. Adds ``entity``."""
    entity = table.get("user_id", pd.Series(None, table.index, dtype=object))
    if "session_id" in table:
        entity = entity.where(entity.notna(), "session:" + table["session_id"].astype(str))
    if "event_id" not in table:
        return table.assign(entity=entity, event_id=[f"history-{number}" for number in range(len(table))])
    made_up = pd.Series([f"history-{number}" for number in range(len(table))], table.index)
    known = table["event_id"].where(table["event_id"].notna() & (table["event_id"] != ""), made_up)
    named = table.assign(entity=entity, event_id=known)
    return named.drop_duplicates(["entity", "event_id"])


@contextmanager
def _shards(
    table: pd.DataFrame, categories: shard.Categories, settings: StoreSettings, processes: int
) -> Iterator[tuple[Callable[[], None], Callable[[], tuple[int, int]]]]:
    """The users and items of a history, shared out to processes that compute while the caller does other things.

    Yields a function to call when the registry is written, and one that waits for all and returns how many users and
    items there are. The processes are forked before this one opens a connection or starts a thread.
    """
    count = max(1, min(processes, len(table) // SMALLEST_SHARD))
    owner = {name: table[name].factorize()[0] % count for name in ("entity", "item_id")}
    parts = [(number, table[owner["entity"] == number], table[owner["item_id"] == number]) for number in range(count)]
    context = multiprocessing.get_context("fork")
    registered, done = context.Event(), context.Value("Q", 0)
    if count == 1:
        yield registered.set, lambda: _sum([shard.backfill(*parts[0], categories, settings, int, registered.wait)])
        return
    with ProcessPoolExecutor(count, context, _inherit, (done, registered)) as pool:
        futures = [pool.submit(_backfill, *part, categories, settings) for part in parts]
        yield registered.set, lambda: _sum(_watched(futures, done, 2 * len(table)))


_inherited: dict[str, Any] = {}  # in a shard's process: what it shares with its parent


def _inherit(done: Any, registered: Any) -> None:
    _inherited.update(done=done, registered=registered)
    collect_seldom()


def _backfill(
    number: int,
    of_users: pd.DataFrame,
    of_items: pd.DataFrame,
    categories: shard.Categories,
    settings: StoreSettings,
) -> tuple[int, int]:
    def report(rows: int) -> None:
        with _inherited["done"].get_lock():
            _inherited["done"].value += rows

    wait_for_registry = _inherited["registered"].wait
    return shard.backfill(number, of_users, of_items, categories, settings, report, wait_for_registry)


def _watched(futures: Sequence[Future[tuple[int, int]]], done: Any, rows: int) -> list[tuple[int, int]]:
    with tqdm(total=rows, unit=" rows", desc="backfill", file=sys.stderr) as progress:
        waiting: set[Future[tuple[int, int]]] = set(futures)
        while waiting:
            waiting = wait(waiting, timeout=0.2, return_when=FIRST_EXCEPTION).not_done
            progress.update(done.value - progress.n)
    return [future.result() for future in futures]


def _sum(counts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(users for users, _ in counts), sum(items for _, items in counts)


def _catalogue(folder: Path, begin: int) -> tuple[list[Row], list[Row]]:
    """Content and profile rows; where an entry has no time it was known when the history begins."""
    items, users = read_table(folder, "items"), read_table(folder, "users")
    contents = [] if items is None else list(messages(items, Item))
    profiles = [] if users is None else list(messages(users, User))
    return (
        [content_row(item, 1000 * epoch_ms(item.timestamp, begin, "timestamp")) for item in contents],
        [profile_row(user, 1000 * epoch_ms(user.timestamp, begin, "timestamp")) for user in profiles],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m streaming.backfill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where interactions, items and users lie (.parquet, .csv or .jsonl)")
    parser.add_argument("--until", help="a share of the time span's events (0.8) or an ISO 8601 time")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one per core")
    parser.add_argument("--replace", action="store_true", help="drop the rows that the offline log has")
    options = parser.parse_args()
    collect_seldom()
    started = datetime.now()
    try:
        counts = run(options.folder, options.until, StoreSettings(), options.replace, options.processes)
    except (FileNotFoundError, FileExistsError, InvalidEvent) as error:
        sys.exit(f"backfill: {error}")
    seconds = (datetime.now() - started).total_seconds()
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()) + f" in {seconds:.1f} s")


if __name__ == "__main__":
    main()
