"""interactions -> user_activity rows (online, offline log), envelopes for the items, handovers of merged sessions.

A user or session that is to be forgotten loses the online row here, and others the visits of an item that is; the log
is searched by streaming/erasing.py.
"""

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

import msgspec

from feature_repo.erasure import Erasures
from feature_repo.features import item_activity, user_activity
from feature_repo.online import OnlineRows, Row
from feature_repo.user_activity import advance, without
from streaming.by_item import Entry
from streaming.cache import RowCache
from streaming.events import Interaction, Merge, epoch_ms
from streaming.forget import Forget, ForgetVisits, Reached, forgotten, reminded, unvisited
from streaming.ledger import Verdict, drop, event_key, judge, partition_key, record
from streaming.merge import Handover, Message, Place, moved, moves
from streaming.offline_log import INTERACTIONS, MERGES, new_part
from streaming.row_log import RowLog
from streaming.rows import TrackedUser, interaction_row, online_user_row, user_from_row, user_row

CATEGORIES_KEPT_S = 10.0  # how late a new or changed category may be seen


class Delivery(NamedTuple):
    """A message and where the broker had it."""

    partition: int
    offset: int
    event: Message


class Advanced(NamedTuple):
    """What a batch of interactions leads to; nothing of it is stored yet."""

    users: Mapping[str, TrackedUser]  # those with a new row, and those that only sent a duplicate
    user_rows: Sequence[Row]  # one per new interaction, and per other message that changed something, for the log
    interaction_rows: Sequence[Row]
    online_rows: Sequence[Row]  # the last of each user
    entries: Sequence[tuple[int, Entry]]  # (source partition, entry) to pass on, in offset order
    duplicates: int
    late: int
    handovers: Sequence[Handover]  # the broker must have them before anything is stored
    rewritten: Set[str]  # sessions and users whose rows are new by something else than an interaction
    merge_rows: Sequence[Row]
    reached: Sequence[Reached]  # who is forgotten; those without a new row lose the one they have
    ignored: int  # events from before their user, or their item, was forgotten


class UserTracker:
    """The users of this worker's partitions and where their rows are kept."""

    def __init__(
        self, users: OnlineRows, contents: OnlineRows, offline: RowLog, log: int, cached: int, erasures: Erasures
    ) -> None:
        self._online, self._offline, self.log, self._erasures = users, offline, log, erasures
        self._users = RowCache(lambda ids: _users(users, erasures, ids), cached)
        self._categories = RowCache(lambda ids: _categories(contents, ids), cached, CATEGORIES_KEPT_S)

    def advance(self, deliveries: Sequence[Delivery]) -> Advanced:
        """Advance the users of these deliveries; reads the missing rows in one batch."""
        users = self._users.get_all(delivery.event.key for delivery in deliveries)
        items = (event.item_id for _, _, event in deliveries if isinstance(event, Interaction))
        categories, void = self._categories.get_all(items), self._void(deliveries)
        # Offsets are compared within a partition: where partitions are added, users move to others that count anew.
        logs = {each: partition_key(self.log, each) for each in {partition for partition, _, _ in deliveries}}
        changed, last, rewritten = dict[str, TrackedUser](), dict[str, Row](), set[str]()
        user_rows, interaction_rows, entries, handovers, merge_rows, reached = [], [], [], [], [], []
        duplicates, late, ignored = 0, 0, 0
        for partition, offset, event in deliveries:
            user = changed.get(event.key) or users.get(event.key) or TrackedUser()
            if isinstance(event, Forget):
                changed[event.key], now_void = forgotten(user, event, logs[partition], offset)
                reached.append(now_void)
                if changed[event.key] is not user:
                    last.pop(event.key, None)
                continue
            if not isinstance(event, Interaction):
                after, handed_over = _after(user, event, Place(logs[partition], partition, offset), void)
                handovers += handed_over
                if after is not user:
                    changed[event.key], last[event.key] = after, user_row(event.key, after)
                    user_rows.append(last[event.key])
                    rewritten.add(event.key)
                merge_rows += moves(user, after, event)
                continue
            when, key = epoch_ms(event.timestamp, 0, "timestamp"), event_key(event.event_id)
            verdict = judge(user.ledger, key, logs[partition], offset)
            forgotten_until = max(user.ledger.forgotten, void.get(event.item_id, 0))
            of_no_use = verdict is Verdict.NEW and when <= forgotten_until
            if of_no_use or verdict is Verdict.DUPLICATE:
                duplicates, ignored = duplicates + (not of_no_use), ignored + of_no_use
                changed[event.key] = user._replace(ledger=drop(user.ledger, logs[partition], offset))
                continue
            entries.append((partition, Entry(offset, event.item_id, event.action, when)))
            if verdict is Verdict.AGAIN:
                continue
            late += when < user.activity.at
            activity = advance(user.activity, event.item_id, event.action, when, categories[event.item_id])
            user = TrackedUser(activity, record(user.ledger, key, logs[partition], offset, when))
            changed[event.key], last[event.key] = user, user_row(event.key, user)
            user_rows.append(last[event.key])
            interaction_rows.append(interaction_row(event, user.ledger.stamp))
        online = [online_user_row(row, changed[user_id]) for user_id, row in last.items()]
        return Advanced(
            changed,
            user_rows,
            interaction_rows,
            online,
            entries,
            duplicates,
            late,
            handovers,
            rewritten,
            merge_rows,
            reached,
            ignored,
        )

    def store(self, advanced: Advanced) -> None:
        """Keep it: the log first, so that what is online is always in the log as well."""
        part = new_part()
        if advanced.user_rows:
            self._offline.append(user_activity.name, part, advanced.user_rows)
            self._offline.append(INTERACTIONS, part, advanced.interaction_rows)
        if advanced.merge_rows:
            self._offline.append(MERGES, part, advanced.merge_rows)
        if advanced.reached:  # known to be forgotten before the row that says so is gone or replaced
            self._erasures.reach(advanced.reached)
            self._erase(advanced.reached)
        if advanced.online_rows:
            self._online.write(advanced.online_rows, user_written_at=time.time_ns() // 1_000_000)
        self._users.put_all(advanced.users)

    def _void(self, deliveries: Sequence[Delivery]) -> Mapping[str, int]:
        """Items of these deliveries that were forgotten, each with the time until when (epoch milliseconds)."""
        marks = self._erasures.marks(item_activity.name, _items(deliveries))
        return {item_id: mark.before for item_id, mark in marks.items()}

    def _erase(self, reached: Sequence[Reached]) -> None:
        gone = self._online.erase({task.entity_id: mark.until for task, mark in reached})
        for task, _ in reached:
            self._erasures.removed(task, f"online store: {task.view}", int(task.entity_id in gone))

    def forget(self) -> None:
        """Drop what is cached: the partitions have a new owner."""
        self._users.clear()
        self._erasures.refresh()


def _after(
    user: TrackedUser, event: Merge | Handover | ForgetVisits, place: Place, void: Mapping[str, int]
) -> tuple[TrackedUser, list[Handover]]:
    """The user or session after what is no interaction, and what has to be handed over before that is stored."""
    if isinstance(event, ForgetVisits):
        return unvisited(user, {event.item_id: event.timestamp}), []
    if isinstance(event, Handover):  # it may have been made before the item was forgotten
        event = msgspec.structs.replace(event, activity=without(event.activity, void))
    return moved(user, event, place)


def _items(deliveries: Sequence[Delivery]) -> Iterator[str]:
    for _, _, event in deliveries:
        if isinstance(event, Interaction):
            yield event.item_id
        elif isinstance(event, Handover):
            yield from event.activity.item_ids


def _users(online: OnlineRows, erasures: Erasures, user_ids: list[str]) -> dict[str, TrackedUser]:
    rows, marks = online.read(user_ids), erasures.marks(user_activity.name, user_ids)
    known = {user_id: user_from_row(row.values) for user_id, row in rows.items()}
    return known | {each: reminded(known.get(each), mark) for each, mark in marks.items()}


def _categories(online: OnlineRows, item_ids: list[str]) -> dict[str, list[str]]:
    rows = online.read(item_ids, ["item_categories"])
    return {item_id: rows[item_id].values["item_categories"] or [] if item_id in rows else [] for item_id in item_ids}
