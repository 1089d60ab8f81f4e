"""many small parts of the offline log -> few large ones, while others read and write it.

python -m streaming.compaction            once; a worker does the same every few minutes
python -m streaming.compaction --grace 0  the small parts go at once (nobody may be reading)

A worker writes a part per batch, thirty a second at low rates; snapshots would soon spend their time opening files.
Rows that lie in the log twice, as a crash leaves them, are kept once.

Nothing is moved under a reader's feet: the large part appears beside the small ones, which its footer names, and they
go when every read that may have listed them is long over. Until then their rows are there twice, both copies equal, as
the log may always have them.
"""

import argparse
import fcntl
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.settings import StoreSettings
from streaming.offline_log import SCHEMAS, write_part

SMALL_BYTES, LARGE_BYTES = 1 << 20, 4 << 20  # what is merged; how much of it into one part
FEWEST = 20  # small parts of a table that are worth the trouble
SETTLED_S, GRACE_S = 60.0, 900.0  # how old a part must be; how long readers have left
MERGED = b"freshrank.merged"  # the footer's list of the small parts a large one holds
_STREAMED = re.compile(r"\d{19}-\d+")  # new_part(): the parts of workers; those of a backfill are large already


def compact(folder: Path, grace_s: float = GRACE_S, settled_s: float = SETTLED_S) -> int:
    """Merge the small parts of every table of the log in ``folder``; how many have been merged.

    One process at a time does it; where another is at it, nothing is left to do.
    """
    with alone(folder) as nobody_else:
        return sum(_compact(folder / table, grace_s, settled_s) for table in SCHEMAS) if nobody_else else 0


@contextmanager
def alone(folder: Path, wait: bool = False) -> Iterator[bool]:
    """Whether no other process changes parts of the log in ``folder`` meanwhile; always so for one that waits."""
    with (folder / ".compaction").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _compact(folder: Path, grace_s: float, settled_s: float) -> int:
    merged = _drop_merged(folder, grace_s)
    now, small = time.time(), []
    for part in sorted(folder.glob("*.parquet")):
        if _STREAMED.fullmatch(part.stem) and part.name not in merged and now - part.stat().st_mtime >= settled_s:
            small += [part] if part.stat().st_size < SMALL_BYTES else []
    if len(small) < FEWEST:
        return 0
    for parts in _groups(small):
        _merge(parts)
    _drop_merged(folder, grace_s)
    return len(small)


def _drop_merged(folder: Path, grace_s: float) -> set[str]:
    """Remove small parts whose large one has been there for the grace; the names of those that still wait."""
    waiting: set[str] = set()
    for large in folder.glob("merged-*.parquet"):
        small = json.loads(pq.read_schema(large).metadata[MERGED])
        if time.time() - large.stat().st_mtime < grace_s:
            waiting |= set(small)
        else:
            for name in small:
                (folder / name).unlink(missing_ok=True)
    return waiting


def _groups(parts: Sequence[Path]) -> Iterator[list[Path]]:
    group: list[Path] = []
    size = 0
    for part in parts:
        group.append(part)
        size += part.stat().st_size
        if size >= LARGE_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _merge(parts: Sequence[Path]) -> None:
    table = _once(pa.concat_tables([pq.ParquetFile(part).read() for part in parts], promote_options="default"))
    names = json.dumps([part.name for part in parts]).encode()
    place = parts[0].with_name(f"merged-{parts[0].stem}-{len(parts)}.parquet")
    write_part(place, table.replace_schema_metadata({MERGED: names}))


def _once(table: pa.Table) -> pa.Table:
    """The rows without second copies: entity and stamp are a row's identity, of an interaction its user too."""
    names = [name for name in table.column_names if name in ("event_id", "user_id", "item_id", "event_timestamp")]
    numbered = table.select(names).append_column("place", pa.array(range(len(table)), pa.int64()))
    first = numbered.group_by(names).aggregate([("place", "min")])["place_min"]
    return table.take(first.combine_chunks().sort())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m streaming.compaction",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--grace", type=float, default=GRACE_S, help="seconds readers have left (default %(default)s)")
    options = parser.parse_args()
    settings = StoreSettings()
    if settings.offline_store != "duckdb":
        parser.exit(message="the offline log is in PostgreSQL: there is nothing to merge\n")
    folder = settings.data_dir.resolve() / "offline"
    if not folder.is_dir():
        parser.exit(message=f"{folder} has no offline log yet\n")
    print(f"{compact(folder, options.grace, min(options.grace, SETTLED_S))} small parts merged in {folder}")


if __name__ == "__main__":
    main()
