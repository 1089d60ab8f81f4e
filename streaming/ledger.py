"""Pure: which deliveries a row already counts. A row and its ledger are written together, so a crash cannot part them.

A broker hands an event out again after a crash (same topic, partition and offset); a producer may send one twice (same
event_id at another offset). The first must be passed on again, since the crash may have come before it was; the second
must not. So a user's ledger remembers recent event ids with the offset each was applied at, and the offsets of recent
duplicates, whose event ids may be forgotten by the time they are handed out again. An item's events come in offset
order per source partition, so its ledger is the last offset of each; so do the sessions that are handed over to a user
(streaming/merge.py).
"""

from collections.abc import Mapping
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

import msgspec

HISTORY_LOG = 0  # stands for "no topic": what a backfill counted
REMEMBERED = 64  # event ids per user: the bound within which a producer's duplicate is recognised
MERGES_REMEMBERED = 16  # merges per session, apart from its events, which would push them out


class Verdict(Enum):
    """What an event is to a row."""

    NEW = "new"
    AGAIN = "again"  # applied at this very offset: change nothing, pass it on again
    DUPLICATE = "duplicate"  # applied under another offset: drop it


class UserLedger(NamedTuple):
    """Deliveries in a user row. ``log`` names the topic's incarnation, whose numbering the offsets follow."""

    stamp: int = 0  # event_timestamp of the row, epoch microseconds
    log: int = 0
    applied: int = -1  # highest offset so far
    offsets: Mapping[int, int] = {}  # event key -> offset, oldest first
    merges: tuple[int, ...] = ()  # of a session: keys of the merges that emptied it, oldest first
    folded: Mapping[int, int] = {}  # of a user: source (partition_key) -> offset of the last merge folded in
    dropped: tuple[int, ...] = ()  # offsets of the last duplicates, oldest first
    forgotten: int = 0  # epoch milliseconds: what happened until then is not to be known any more


class ItemLedger(NamedTuple):
    """Deliveries in an item row: the last offset that arrived from each partition of the source."""

    stamp: int = 0
    log: int = 0
    applied: Mapping[int, int] = {}  # source partition -> offset
    forgotten: int = 0  # epoch milliseconds, as of a user


_encode = msgspec.msgpack.Encoder().encode
_decode_user = msgspec.msgpack.Decoder(UserLedger).decode
_decode_item = msgspec.msgpack.Decoder(ItemLedger).decode


def event_key(event_id: str) -> int:
    """64 bits that stand for an event id."""
    return int.from_bytes(blake2b(event_id.encode(), digest_size=8).digest(), "little")


def log_key(topic_id: str) -> int:
    """64 bits that stand for one incarnation of a topic (Kafka gives each creation an id of its own)."""
    return event_key(topic_id)


def partition_key(log: int, partition: int) -> int:
    """64 bits that stand for a partition of one incarnation of a topic."""
    return event_key(f"{log}/{partition}")


def judge(ledger: UserLedger, key: int, log: int, offset: int) -> Verdict:
    """What the event with this key, read at ``offset`` of ``log``, is to the row."""
    same_log = ledger.log == log
    if key in ledger.offsets:
        return Verdict.AGAIN if same_log and ledger.offsets[key] == offset else Verdict.DUPLICATE
    if same_log and offset in ledger.dropped:
        return Verdict.DUPLICATE
    return Verdict.AGAIN if same_log and offset <= ledger.applied else Verdict.NEW


def record(ledger: UserLedger, key: int, log: int, offset: int, event_ms: int) -> UserLedger:
    """The ledger after a new event; its row is stamped later than every row before it."""
    stamp, _, _, offsets, merges, folded, dropped, forgotten = ledger if ledger.log == log else _renumbered(ledger, log)
    offsets = {**offsets, key: offset}
    if len(offsets) > REMEMBERED:
        del offsets[next(iter(offsets))]
    return UserLedger(next_stamp(stamp, event_ms), log, offset, offsets, merges, folded, dropped, forgotten)


def drop(ledger: UserLedger, log: int, offset: int) -> UserLedger:
    """The ledger after a duplicate; written with the user's next event (until then the event id tells it)."""
    known = ledger if ledger.log == log else _renumbered(ledger, log)
    return known if offset in known.dropped else known._replace(dropped=(*known.dropped, offset)[-REMEMBERED:])


def may_merge(ledger: UserLedger, key: int, log: int, offset: int) -> bool:
    """Whether a session has not been merged by this event yet."""
    return key not in ledger.merges and (ledger.log != log or offset > ledger.applied)


def record_merge(ledger: UserLedger, key: int, log: int, offset: int, event_ms: int) -> UserLedger:
    """The session's ledger after a merge has emptied it."""
    stamp, _, _, offsets, merges, folded, dropped, forgotten = ledger if ledger.log == log else _renumbered(ledger, log)
    merges = (*merges, key)[-MERGES_REMEMBERED:]
    return UserLedger(next_stamp(stamp, event_ms), log, offset, offsets, merges, folded, dropped, forgotten)


def may_fold(ledger: UserLedger, source: int, offset: int) -> bool:
    """Whether the user does not count the merge at this offset of ``source`` yet."""
    return offset > ledger.folded.get(source, -1)


def record_fold(ledger: UserLedger, source: int, offset: int, event_ms: int) -> UserLedger:
    """The user's ledger after a session was folded in."""
    return ledger._replace(stamp=next_stamp(ledger.stamp, event_ms), folded={**ledger.folded, source: offset})


def _renumbered(ledger: UserLedger, log: int) -> UserLedger:
    """The ledger for another incarnation of the topic: its offsets say nothing there, its event ids do."""
    return ledger._replace(log=log, applied=-1, offsets=dict.fromkeys(ledger.offsets, -1), dropped=())


def is_new(ledger: ItemLedger, log: int, partition: int, offset: int) -> bool:
    """Whether the item has not counted this event yet."""
    return ledger.log != log or offset > ledger.applied.get(partition, -1)


def record_item(ledger: ItemLedger, log: int, partition: int, offset: int, event_ms: int) -> ItemLedger:
    """The item's ledger after a new event."""
    applied = dict(ledger.applied) if ledger.log == log else {}
    applied[partition] = offset
    return ItemLedger(next_stamp(ledger.stamp, event_ms), log, applied, ledger.forgotten)


def forgotten(ledger: UserLedger, log: int, offset: int, until_ms: int) -> UserLedger:
    """All that is left of a user's ledger when the message at ``offset`` has them forgotten."""
    until = max(until_ms, ledger.forgotten)
    return UserLedger(max(ledger.stamp, until * 1000), log, offset, forgotten=until)


def forgotten_item(ledger: ItemLedger, until_ms: int) -> ItemLedger:
    """An item's ledger when it is forgotten: it still knows what it counted, so that nothing is counted again."""
    until = max(until_ms, ledger.forgotten)
    return ledger._replace(stamp=max(ledger.stamp + 1, until * 1000), forgotten=until)


def next_stamp(last: int, event_ms: int) -> int:
    """Event time in microseconds, or just after the last row where the event is late or as old."""
    return max(event_ms * 1000, last + 1)


def user_to_bytes(ledger: UserLedger) -> bytes:
    """The ledger as a field of its row (MessagePack); without merges, duplicates and deletions it is shorter."""
    return _encode(ledger if ledger.merges or ledger.folded or ledger.dropped or ledger.forgotten else ledger[:4])


def user_from_bytes(raw: bytes | None) -> UserLedger:
    return _decode_user(raw) if raw else UserLedger()


def item_to_bytes(ledger: ItemLedger) -> bytes:
    """The ledger as a field of its row (MessagePack)."""
    return _encode(ledger)


def item_from_bytes(raw: bytes | None) -> ItemLedger:
    return _decode_item(raw) if raw else ItemLedger()
