"""parts of the offline log -> the same parts without the rows of some entities, while others read and append.

A part that holds none of them is not touched. One that does is written anew beside itself and put in its own place by
one rename: a reader has the one or the other, and a crash leaves the one or the other. What was erased is said before
the rename, so whoever does it again after a crash says the same.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming.compaction import alone

Report = Callable[[str, Mapping[str, int]], None]  # a part's name, and how many rows of which entities it loses


def erase(folder: Path, column: str, until: Mapping[str, int], report: Report) -> None:
    """Drop the rows of a table whose ``column`` is one of these and that are stamped no later (epoch microseconds)."""
    with alone(folder.parent, wait=True):  # a merge under way could bring back what it has read
        for part in sorted(folder.glob("*.parquet")):
            if counts := _counts(part, column, until):
                report(part.name, counts)
                _rewrite(part, column, until)


def pairs(folder: Path, column: str, wanted: Mapping[str, int], other: str) -> set[tuple[str, str]]:
    """Values of ``column`` that are wanted, with those of another column in the same rows."""
    found: set[tuple[str, str]] = set()
    for part in folder.glob("*.parquet"):
        table = pq.read_table(part, columns=[column, other, "event_timestamp"], partitioning=None)
        held = table.filter(_held(table, column, wanted))
        found |= set(zip(held[column].to_pylist(), held[other].to_pylist(), strict=True))
    return found


def drop_unfinished(folder: Path, older_s: float) -> None:
    """Delete what writers that died left of parts."""
    for path in folder.glob("*/*.tmp"):
        if time.time() - path.stat().st_mtime > older_s:
            path.unlink(missing_ok=True)


def _counts(part: Path, column: str, until: Mapping[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for table in _groups(part, [column, "event_timestamp"]):
        for each in table.filter(_held(table, column, until))[column].value_counts().to_pylist():
            counts[each["values"]] = counts.get(each["values"], 0) + each["counts"]
    return counts


def _rewrite(part: Path, column: str, until: Mapping[str, int]) -> None:
    unfinished = part.with_suffix(f".{os.getpid()}.tmp")
    with pq.ParquetWriter(unfinished, pq.read_schema(part), compression="zstd") as writer:
        for table in _groups(part):
            writer.write_table(table.filter(pc.invert(_held(table, column, until))))
    unfinished.replace(part)


def _groups(part: Path, columns: list[str] | None = None) -> Iterator[Any]:
    with pq.ParquetFile(part) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns)


def _held(table: Any, column: str, until: Mapping[str, int]) -> Any:
    """Which rows of a table go."""
    ids, stamps = pa.array(until.keys(), pa.string()), pa.array(until.values(), pa.int64())
    limits = stamps.take(pc.index_in(table[column].combine_chunks(), ids))
    at = table["event_timestamp"].combine_chunks().cast(pa.int64())
    return pc.less_equal(at, limits).fill_null(False)
