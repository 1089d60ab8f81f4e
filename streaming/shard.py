"""A share of history's users and items -> their rows, through the stream's own pure functions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import pandas as pd

from feature_repo import features, item_activity, user_activity
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.events import Interaction, epoch_ms
from streaming.history import messages
from streaming.ledger import event_key, record, record_item
from streaming.offline_log import INTERACTIONS
from streaming.row_log import open_log
from streaming.rows import (
    TrackedItem,
    TrackedUser,
    interaction_row,
    item_row,
    online_item_row,
    online_user_row,
    user_row,
)

PART_ROWS = 20_000  # interactions in one part of the offline log
ONLINE_BATCH = 1_000  # rows in one write to the online store
REPORT_EVERY = 500  # rows between two words on progress
HISTORY_LOG = 0  # stands for "no topic" in a ledger

Step = TypeVar("Step")
Categories = Mapping[str, Sequence[str]]


class Users:
    """States of users while their history passes by."""

    def __init__(self, categories: Categories) -> None:
        self.states: dict[str, TrackedUser] = {}
        self._categories = categories

    def advance(self, position: int, event: Interaction) -> tuple[Row, Row]:
        """The user's and the log's row after one more event, number ``position`` of the history."""
        user, when = self.states.get(event.key, TrackedUser()), epoch_ms(event.timestamp, 0, "timestamp")
        categories = self._categories.get(event.item_id, ())
        advanced = TrackedUser(
            user_activity.advance(user.activity, event.item_id, event.action, when, categories),
            record(user.ledger, event_key(event.event_id), HISTORY_LOG, position, when),
        )
        self.states[event.key] = advanced
        return user_row(event.key, advanced), interaction_row(event, advanced.ledger.stamp)


class Items:
    """States of items while their history passes by."""

    def __init__(self) -> None:
        self.states: dict[str, TrackedItem] = {}

    def advance(self, position: int, event: Interaction) -> Row:
        """The item's row after one more event."""
        item, when = self.states.get(event.item_id, TrackedItem()), epoch_ms(event.timestamp, 0, "timestamp")
        advanced = TrackedItem(
            item_activity.advance(item.activity, event.action, when),
            record_item(item.ledger, HISTORY_LOG, 0, position, when),
        )
        self.states[event.item_id] = advanced
        return item_row(event.item_id, advanced)


def backfill(
    shard: int,
    of_users: pd.DataFrame,
    of_items: pd.DataFrame,
    categories: Categories,
    settings: StoreSettings,
    report: Callable[[int], object],
    registered: Callable[[], object],
) -> tuple[int, int]:
    """Write the rows of some users' and some items' events, each in time order; returns how many users and items.

    The index of both tables numbers the rows of the history. ``report`` hears of every row computed; the store is
    opened only when ``registered`` has returned.
    """
    users, items, log = Users(categories), Items(), open_log(settings)
    user_steps = _reported(map(users.advance, of_users.index.tolist(), messages(of_users, Interaction)), report)
    for number, part in enumerate(_parts(user_steps)):
        user_rows, events = zip(*part, strict=True)
        log.append(features.user_activity.name, f"backfill-{shard}-{number:06d}", user_rows)
        log.append(INTERACTIONS, f"backfill-{shard}-{number:06d}", events)
    item_steps = _reported(map(items.advance, of_items.index.tolist(), messages(of_items, Interaction)), report)
    for number, item_rows in enumerate(_parts(item_steps)):
        log.append(features.item_activity.name, f"backfill-{shard}-{number:06d}", item_rows)
    registered()
    store = open_store(settings)
    last_users = (online_user_row(user_row(*pair), pair[1]) for pair in users.states.items())
    last_items = (online_item_row(item_row(*pair), pair[1]) for pair in items.states.items())
    write_online(OnlineRows(store, features.user_activity), last_users)
    write_online(OnlineRows(store, features.item_activity), last_items)
    return len(users.states), len(items.states)


def write_online(online: OnlineRows, rows: Iterable[Row]) -> None:
    """Write rows to the online store, some at a time."""
    iterator = iter(rows)
    while batch := list(islice(iterator, ONLINE_BATCH)):
        online.write(batch)


def _parts(steps: Iterator[Step]) -> Iterator[list[Step]]:
    while part := list(islice(steps, PART_ROWS)):
        yield part


def _reported(steps: Iterator[Step], report: Callable[[int], object]) -> Iterator[Step]:
    for number, step in enumerate(steps, start=1):
        if number % REPORT_EVERY == 0:
            report(REPORT_EVERY)
        yield step
