"""Your own interactions, items and users, by a mapping file (docs/data.md): parquet, CSV, JSON Lines or any database.

Rows that cannot be read are left out, counted, and written with their reasons to rejects.jsonl beside the tables.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from training.datasets import mapping_file
from training.datasets.chunks import opened
from training.datasets.converted import Row, rows
from training.datasets.mapping import Mapping as Mapped
from training.datasets.mapping import Table
from training.datasets.mapping_checks import Asked
from training.datasets.rejected import Rejected
from training.datasets.tables import ABOUT, TABLES, About, DatasetError, is_complete, made_of, write_about

FROM = {"items": ["items"], "users": ["users"], "interactions": ["impressions", "interactions"]}  # ties: shown first
VECTORS = ("image_vector", "audio_vector")
LISTS = pa.list_(pa.string())
TYPES = {
    "categories": LISTS,
    "attributes": LISTS,
    "timestamp": pa.int64(),
    "published_at": pa.int64(),
    "position": pa.int64(),
    "value": pa.float64(),
    "hidden": pa.bool_(),
    **dict.fromkeys(VECTORS, pa.list_(pa.float32())),
}


def write_tables(path: Path, to: Path) -> None:
    """Write the tables that a mapping file describes; raises DatasetError saying what is wrong and where."""
    mapping, asked = mapping_file.read(path)
    print(mapping.terms or f"{mapping.name}: no terms of use are given")
    made = _made_of(mapping, path)
    if made and is_complete(to, made):
        return
    to.mkdir(parents=True, exist_ok=True)
    (to / ABOUT).unlink(missing_ok=True)
    counts = {}
    with Rejected(to) as rejected:
        for name in TABLES:
            of_table = {source: [each for each in asked if each.table == source] for source in FROM[name]}
            counts[name] = _write(mapping, name, of_table, path, to, rejected)
    if rejected.count:
        print(f"{rejected.path}: {rejected.count:,} rows were left out; {rejected.first}")
    about = About(mapping.name, path.name, mapping.terms, mapping.until, mapping.validation_from, mapping.protocol)
    write_about(to, about, made, {name: count for name, count in counts.items() if count})


def _made_of(mapping: Mapped, path: Path) -> dict[str, Any]:
    """What the tables are of; nothing where a database is asked, which may have changed."""
    sources = [source for name in chain(*FROM.values()) if (source := getattr(mapping, name))]
    if any(source.url for source in sources):
        return {}
    files = [path.parent / Path(source.path).expanduser() for source in sources]
    return made_of([path, *(file for file in files if file.is_file())])


def _write(
    mapping: Mapped, name: str, asked: Mapping[str, Sequence[Asked]], path: Path, to: Path, rejected: Rejected
) -> int:
    """Write one table as its rows come; returns how many there are."""
    target, scratch, count = to / f"{name}.parquet", to / f".{name}.parquet", 0
    schema, widths = schema_of([each for some in asked.values() for each in some]), dict[str, int]()
    if not schema.names:
        target.unlink(missing_ok=True)
        return 0
    with pq.ParquetWriter(scratch, schema) as writer:
        for source, wanted in asked.items():
            for found in _read(getattr(mapping, source), source, wanted, path, rejected) if wanted else ():
                _check_widths(found, widths)
                writer.write_table(pa.Table.from_pylist(found, schema=schema))
                count += len(found)
    if not count:
        scratch.unlink()
        raise DatasetError(f"{name} has no row that can be read; {rejected.first or 'its source is empty'}")
    scratch.replace(target)
    print(f"{target}: {count:,} rows")
    return count


def schema_of(asked: Sequence[Asked]) -> Any:
    """The columns of a table that is made of these."""
    names = dict.fromkeys(each.field.partition(".")[0] for each in asked)
    if any(each.field == "item_id" and each.cell.split for each in asked):
        names["position"] = None  # of an item in its slate
    return pa.schema([(name, TYPES.get(name, pa.string())) for name in names])


def _check_widths(found: Sequence[Row], widths: dict[str, int]) -> None:
    """Raise DatasetError where vectors of one column have different lengths."""
    for name in VECTORS:
        for row in found:
            vector = row.get(name)
            if vector and len(vector) != widths.setdefault(name, len(vector)):
                reason = f"the {name} of {row['item_id']} has {len(vector)} numbers, others have {widths[name]}"
                raise DatasetError(reason)


def _read(table: Table, source: str, asked: Sequence[Asked], path: Path, rejected: Rejected) -> Iterator[list[Row]]:
    """The rows of one source, a chunk at a time."""
    reject = rejected.of(source)
    with opened(table, path.parent, reject) as found:
        for each in asked:
            missing = [name for name in each.cell.names if name not in found.names]
            if missing:
                has = ", ".join(found.names)
                where = f"{path.name}, line {each.line}: {source}.{each.field}"
                raise DatasetError(f"{where}: {found.where} has no column `{missing[0]}`; it has {has}")
        columns = list(dict.fromkeys(name for each in asked for name in each.cell.names))
        with tqdm(total=found.rows, desc=source, unit=" rows", file=sys.stderr, delay=0.5, leave=False) as bar:
            for numbers, chunk in found.chunks(columns):
                yield list(rows(chunk, numbers, asked, path.parent, reject))
                bar.update(len(numbers))


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mapping", type=Path, required=True, help="the mapping file; docs/data.md has an example")


def run(to: Path, chosen: argparse.Namespace) -> None:
    """Write the tables into ``to``."""
    write_tables(chosen.mapping, to)
