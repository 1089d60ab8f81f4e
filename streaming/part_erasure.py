"""parts of the offline log -> the same parts without some rows, or some visits, while others read and append.

A part that holds none of them is not touched. One that does is written anew beside itself and put in its own place by
one rename: a reader has the one or the other, and a crash leaves the one or the other. What was erased is said before
the rename, so whoever does it again after a crash says the same.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming import visits
from streaming.compaction import alone

Report = Callable[[str, Mapping[str, int]], None]  # a part's name, and in how many rows it loses which entities
STAMP = "event_timestamp"


def erase(folder: Path, column: str, until: Mapping[str, int], report: Report, at: str = STAMP) -> None:
    """Drop the rows of a table whose ``column`` is one of these and whose ``at`` is no later, in its own unit."""
    with alone(folder.parent, wait=True):  # a merge under way could bring back what it has read
        for part in sorted(folder.glob("*.parquet")):
            if counts := _counts(part, column, until, at):
                report(part.name, counts)
                _rewrite(part, lambda table: table.filter(pc.invert(_held(table, column, until, at))))


def erase_visits(folder: Path, void: Mapping[str, int], settle: visits.Settle, report: Report) -> None:
    """Take visits of these items, up to their times, out of a table of histories.

    Of every part that holds some, ``settle`` hears first whose they are: after a crash the part says so again. That may
    take its time, so others may have their turn between two parts.
    """
    done, pattern = set[Path](), "*.parquet"
    while parts := set(folder.glob(pattern)) - done:
        for part in sorted(parts):
            with alone(folder.parent, wait=True):
                if part.exists():
                    _erase_visits(part, void, settle, report)
        done |= parts
        pattern = "merged-*.parquet"  # which compaction has made meanwhile, of parts as they were


def _erase_visits(part: Path, void: Mapping[str, int], settle: visits.Settle, report: Report) -> None:
    if held := visits.held(_groups(part, visits.ASKED), void):
        settle({user_id for user_id, _ in held})
        report(part.name, visits.rows_by_item(held))
        _rewrite(part, lambda table: visits.without_visits(table, void))


def pairs(folder: Path, column: str, wanted: Mapping[str, int], other: str) -> set[tuple[str, str]]:
    """Values of ``column`` that are wanted, with those of another column in the same rows."""
    found: set[tuple[str, str]] = set()
    for part in folder.glob("*.parquet"):
        table = pq.read_table(part, columns=[column, other, STAMP], partitioning=None)
        held = table.filter(_held(table, column, wanted, STAMP))
        found |= set(zip(held[column].to_pylist(), held[other].to_pylist(), strict=True))
    return found


def drop_unfinished(folder: Path, older_s: float) -> None:
    """Delete what writers that died left of parts."""
    for path in folder.glob("*/*.tmp"):
        if time.time() - path.stat().st_mtime > older_s:
            path.unlink(missing_ok=True)


def _counts(part: Path, column: str, until: Mapping[str, int], at: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for table in _groups(part, [column, at]):
        for each in table.filter(_held(table, column, until, at))[column].value_counts().to_pylist():
            counts[each["values"]] = counts.get(each["values"], 0) + each["counts"]
    return counts


def _rewrite(part: Path, change: Callable[[Any], Any]) -> None:
    unfinished = part.with_suffix(f".{os.getpid()}.tmp")
    with pq.ParquetWriter(unfinished, pq.read_schema(part), compression="zstd") as writer:
        for table in _groups(part):
            writer.write_table(change(table))
    unfinished.replace(part)


def _groups(part: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    with pq.ParquetFile(part) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns)


def _held(table: Any, column: str, until: Mapping[str, int], at: str) -> Any:
    """Which rows of a table go."""
    ids, stamps = pa.array(until.keys(), pa.string()), pa.array(until.values(), pa.int64())
    limits = stamps.take(pc.index_in(table[column].combine_chunks(), ids))
    when = table[at].combine_chunks().cast(pa.int64())
    return pc.less_equal(when, limits).fill_null(False)
