"""The repartition by item: one envelope of interactions per source partition, target partition and batch (or a few).

Faust spends about 0.1 ms on every message, so a message per interaction would halve the worker's speed.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

import msgspec

MOST_ENTRIES = 800  # of an envelope: with ids of 256 characters, a kilobyte each, it is below Kafka's limit of 1 MB


class Entry(NamedTuple):
    """What an item needs to know of an interaction, with its offset in the source partition."""

    offset: int
    item_id: str
    action: str
    timestamp: int


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """Interactions of one source partition, in offset order, whose items belong to one target partition."""

    log: int  # which incarnation of the topic the offsets belong to
    partition: int
    entries: list[Entry]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Envelope).decode


def envelopes(log: int, entries: Iterable[tuple[int, Entry]], partitions: int) -> dict[int, list[Envelope]]:
    """(source partition, entry) pairs in offset order -> target partition -> envelopes."""
    sorted_out: dict[tuple[int, int], list[Entry]] = defaultdict(list)
    for source, entry in entries:
        sorted_out[target(entry.item_id, partitions), source].append(entry)
    packed: dict[int, list[Envelope]] = defaultdict(list)
    for (to, source), inside in sorted_out.items():
        starts = range(0, len(inside), MOST_ENTRIES)
        packed[to] += [Envelope(log, source, inside[start : start + MOST_ENTRIES]) for start in starts]
    return packed


def target(item_id: str, partitions: int) -> int:
    """The partition that owns an item."""
    return crc32(item_id.encode()) % partitions
