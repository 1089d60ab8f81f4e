"""A checkpoint as TensorFlow writes it -> its float arrays by name, without TensorFlow.

``.index`` is a sorted table (LevelDB's) of names and protobuf entries (type, shape, offset, size), the other file holds
the numbers. Uncompressed blocks and one shard are what TensorFlow writes by default; anything else is refused.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC, FOOTER, FLOAT = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb", 48, 1


def read(prefix: str) -> dict[str, npt.NDArray[np.float32]]:
    """Name -> array, of the files ``<prefix>.index`` and ``<prefix>.data-00000-of-00001``. Raises ValueError."""
    index, numbers = Path(f"{prefix}.index").read_bytes(), Path(f"{prefix}.data-00000-of-00001").read_bytes()
    if index[-len(MAGIC) :] != MAGIC:
        raise ValueError(f"{prefix}.index is no TensorFlow checkpoint")
    place = 0
    footer = index[-FOOTER:]
    handle = []
    for _ in range(4):  # offset and size of the (empty) meta index, then of the index of blocks
        value, place = _varint(footer, place)
        handle.append(value)
    found: dict[str, npt.NDArray[np.float32]] = {}
    for _, block in _entries(index, *handle[2:]):
        offset, after = _varint(block, 0)
        for name, entry in _entries(index, offset, _varint(block, after)[0]):
            if name and (array := _array(_fields(entry), numbers)) is not None:
                found[name.decode()] = array
    return found


def _array(entry: dict[int, list[Any]], numbers: bytes) -> npt.NDArray[np.float32] | None:
    if entry.get(1) != [FLOAT]:
        return None
    shape = [_fields(size).get(1, [0])[0] for size in _fields(entry[2][0]).get(2, [])] if 2 in entry else []
    offset, size = entry.get(4, [0])[0], entry[5][0]
    return np.frombuffer(numbers[offset : offset + size], "<f4").reshape(shape).astype(np.float32)


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key shares its beginning with the one before."""
    block = table[offset : offset + size]
    if table[offset + size]:
        raise ValueError("a checkpoint with compressed blocks cannot be read")
    end = size - 4 - 4 * struct.unpack_from("<I", block, size - 4)[0]
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + own]
        yield key, block[place + own : place + own + length]
        place += own + length


def _fields(message: bytes) -> dict[int, list[Any]]:
    """Protobuf fields by number: varints, fixed numbers and byte strings."""
    place, found = 0, dict[int, list[Any]]()
    while place < len(message):
        tag, place = _varint(message, place)
        value: Any
        match tag & 7:
            case 0:
                value, place = _varint(message, place)
            case 2:
                size, place = _varint(message, place)
                value, place = message[place : place + size], place + size
            case kind:
                size = 4 if kind == 5 else 8
                value, place = message[place : place + size], place + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
