"""Agents: items and users -> item_content and user_profile rows (online, offline log), item-changes.

The order of the topic decides: a later message replaces an earlier one whatever time it gives.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from faust.types import EventT, StreamT

from feature_repo.features import item_content
from feature_repo.online import OnlineRows, Row
from streaming.batches import acknowledge
from streaming.events import InvalidEvent, Item, ItemChange, User, epoch_ms
from streaming.flow import Flow, read
from streaming.offline_log import new_part
from streaming.row_log import RowLog
from streaming.rows import content_row, deleted_content, deleted_profile, profile_row

READ_BACK_ERROR = 2  # microseconds: Feast hands a stamp back as a float


class Upsert(NamedTuple):
    """The newest message of one key; no entry deletes."""

    entity_id: str
    entry: Item | User | None
    received_ms: int


class Catalogue:
    """The rows of one catalogue view."""

    def __init__(self, online: OnlineRows, offline: RowLog) -> None:
        self.view = online.view
        self._online, self._offline = online, offline

    def rows(self, upserts: Sequence[Upsert]) -> list[Row]:
        """One row per entity, from its last upsert, stamped later than the row the store has."""
        newest = {upsert.entity_id: upsert for upsert in upserts}
        stored = self._online.read(list(newest))
        deleted = deleted_content if self.view is item_content else deleted_profile
        return [_row(upsert, stored, deleted) for upsert in newest.values()]

    def store(self, rows: Sequence[Row]) -> None:
        """Keep them, the log first."""
        self._offline.append(self.view.name, new_part(), rows)
        self._online.write(rows)


async def keep(
    upserts: StreamT[bytes], catalogue: Catalogue, decode: Callable[[bytes, int], Item | User], flow: Flow
) -> None:
    """Keep one view current."""
    async for batch in flow.batches(upserts, catalogue.view.name):
        good, poison = read(batch, lambda event, now_ms: _upsert(event, now_ms, decode))
        rows = await flow.keep(lambda: catalogue.rows(good), "reading catalogue rows")  # noqa: B023
        await flow.keep(lambda: catalogue.store(rows), "writing catalogue rows")  # noqa: B023
        if catalogue.view is item_content:
            await flow.announce(changes(rows))
        await flow.bury(poison)
        acknowledge(batch)


def _upsert(event: EventT[bytes], now_ms: int, decode: Callable[[bytes, int], Item | User]) -> Upsert:
    if not event.key or b"\0" in event.key:
        raise InvalidEvent("a catalogue message needs its id as key, without NUL characters")
    key, value = _text(event.key), event.message.value
    entry = decode(value, now_ms) if value else None
    if entry is not None and entry.key != key:
        raise InvalidEvent(f"the key is {key!r}, but the entry is {entry.key!r}")
    return Upsert(key, entry, now_ms)


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"the key is not UTF-8: {error}") from error


def _row(upsert: Upsert, stored: Mapping[str, Row], deleted: Callable[[str, int], Row]) -> Row:
    entry, last = upsert.entry, stored.get(upsert.entity_id)
    when = upsert.received_ms if entry is None else epoch_ms(entry.timestamp, upsert.received_ms, "timestamp")
    stamp = max(when * 1000, last.stamp + READ_BACK_ERROR if last else 0)
    match entry:
        case Item():
            return content_row(entry, stamp)
        case User():
            return profile_row(entry, stamp)
        case None:
            return deleted(upsert.entity_id, stamp)


def changes(rows: Sequence[Row]) -> list[ItemChange]:
    """What the caches must hear of content rows."""
    return [ItemChange(row.entity_id, "item_content", row.stamp, dict(row.values)) for row in rows]
