"""history -> the stream's own pure functions -> the rows the stream would have written.

    python -m streaming.backfill data/ml-100k               everything in the folder
    python -m streaming.backfill data/ml-100k --until 0.8   the first 80 % in time
    python -m streaming.backfill shop/ --until 2026-03-01 --replace

Every interaction writes a user row and an item row to the offline log; the last row of each goes to the online store.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pandas as pd
from tqdm import tqdm

from feature_repo import item_activity as items_pure
from feature_repo import user_activity as users_pure
from feature_repo.features import item_activity, item_content, user_activity, user_profile
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from streaming.events import Interaction, InvalidEvent, Item, User, epoch_ms
from streaming.garbage import collect_seldom
from streaming.history import interactions, messages, read_table
from streaming.ledger import Verdict, event_key, judge, record, record_item
from streaming.offline_log import INTERACTIONS
from streaming.row_log import RowLog, open_log
from streaming.rows import (
    TrackedItem,
    TrackedUser,
    content_row,
    interaction_row,
    item_row,
    online_item_row,
    online_user_row,
    profile_row,
    user_row,
)

PART_ROWS = 20_000  # interactions in one part of the offline log
ONLINE_BATCH = 1_000  # rows in one write to the online store
HISTORY_LOG = 0  # stands for "no topic" in a ledger


class Backfill:
    """States of every user and item while history passes by."""

    def __init__(self, categories: dict[str, list[str]]) -> None:
        self.users: dict[str, TrackedUser] = {}
        self.items: dict[str, TrackedItem] = {}
        self.duplicates = 0
        self._categories = categories
        self._position = 0

    def advance(self, event: Interaction) -> tuple[Row, Row, Row] | None:
        """The user's, the item's and the log's row after one more event; None for a duplicate."""
        if not event.event_id:
            event = msgspec.structs.replace(event, event_id=f"history-{self._position}")
        key, when = event_key(event.event_id), epoch_ms(event.timestamp, 0, "timestamp")
        user = self.users.get(event.key, TrackedUser())
        if judge(user.ledger, key, HISTORY_LOG, self._position) is not Verdict.NEW:
            self.duplicates += 1
            return None
        item = self.items.get(event.item_id, TrackedItem())
        user = self.users[event.key] = TrackedUser(
            users_pure.advance(
                user.activity, event.item_id, event.action, when, self._categories.get(event.item_id, ())
            ),
            record(user.ledger, key, HISTORY_LOG, self._position, when),
        )
        item = self.items[event.item_id] = TrackedItem(
            items_pure.advance(item.activity, event.action, when),
            record_item(item.ledger, HISTORY_LOG, 0, self._position, when),
        )
        self._position += 1
        return user_row(event.key, user), item_row(event.item_id, item), interaction_row(event, user.ledger.stamp)


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


def run(folder: Path, until: str | None, settings: StoreSettings, replace: bool = False) -> dict[str, int]:
    """Backfill from a folder; returns how many rows of what were written."""
    log = open_log(settings)
    if not log.is_empty() and not replace:
        raise FileExistsError(
            f"{log} already has rows. A backfill starts from nothing: add --replace to write it anew, "
            f"or start with an empty store"
        )
    log.clear()
    store = open_store(settings)
    apply(store)
    table = cut(interactions(folder), until)
    begin = int(table["timestamp"].min()) if len(table) else 0
    contents, profiles = _catalogue(folder, begin)
    backfill = Backfill({row.entity_id: row.values["item_categories"] for row in contents})
    _log_interactions(backfill, table, log)
    log.append(item_content.name, "backfill", contents)
    log.append(user_profile.name, "backfill", profiles)
    online = {
        item_content: contents,
        user_profile: profiles,
        user_activity: [online_user_row(user_row(*pair), pair[1]) for pair in backfill.users.items()],
        item_activity: [online_item_row(item_row(*pair), pair[1]) for pair in backfill.items.items()],
    }
    for view, rows in online.items():
        _write(OnlineRows(store, view), rows)
    counts = {view.name: len(rows) for view, rows in online.items()}
    return {"interactions": len(table) - backfill.duplicates, "duplicates": backfill.duplicates, **counts}


def _catalogue(folder: Path, begin: int) -> tuple[list[Row], list[Row]]:
    """Content and profile rows; where an entry has no time it was known when the history begins."""
    items, users = read_table(folder, "items"), read_table(folder, "users")
    contents = [] if items is None else list(messages(items, Item))
    profiles = [] if users is None else list(messages(users, User))
    return (
        [content_row(item, 1000 * epoch_ms(item.timestamp, begin, "timestamp")) for item in contents],
        [profile_row(user, 1000 * epoch_ms(user.timestamp, begin, "timestamp")) for user in profiles],
    )


def _log_interactions(backfill: Backfill, table: pd.DataFrame, log: RowLog) -> None:
    progress = tqdm(messages(table, Interaction), total=len(table), unit=" events", desc="backfill", file=sys.stderr)
    for number, part in enumerate(_parts(backfill, progress)):
        users, items, events = zip(*part, strict=True)
        for name, rows in ((user_activity.name, users), (item_activity.name, items), (INTERACTIONS, events)):
            log.append(name, f"backfill-{number:06d}", rows)


def _parts(backfill: Backfill, events: Iterable[Interaction]) -> Iterator[list[tuple[Row, Row, Row]]]:
    part: list[tuple[Row, Row, Row]] = []
    for event in events:
        rows = backfill.advance(event)
        if rows is not None:
            part.append(rows)
        if len(part) == PART_ROWS:
            yield part
            part = []
    if part:
        yield part


def _write(online: OnlineRows, rows: list[Row]) -> None:
    name = online.view.name
    for start in tqdm(range(0, len(rows), ONLINE_BATCH), desc=f"online {name}", unit=" k rows", file=sys.stderr):
        online.write(rows[start : start + ONLINE_BATCH])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m streaming.backfill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where interactions, items and users lie (.parquet, .csv or .jsonl)")
    parser.add_argument("--until", help="a share of the time span's events (0.8) or an ISO 8601 time")
    parser.add_argument("--replace", action="store_true", help="drop the rows that the offline log has")
    options = parser.parse_args()
    collect_seldom()
    started = datetime.now()
    try:
        counts = run(options.folder, options.until, StoreSettings(), options.replace)
    except (FileNotFoundError, FileExistsError, InvalidEvent) as error:
        sys.exit(f"backfill: {error}")
    seconds = (datetime.now() - started).total_seconds()
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()) + f" in {seconds:.1f} s")


if __name__ == "__main__":
    main()
