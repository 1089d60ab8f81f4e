"""Files that trainings made -> the same with a pseudonym where they name somebody who is forgotten.

Snapshots and tables beside runs have a row per label or case, in step with each other, so no row is taken out: what is
left belongs to nobody. New snapshots are made of the offline log and do not have them at all.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FOLDERS = ("snapshots", "models")  # of the data directory
USER = "user_id"


def pseudonymise(data_dir: Path, user_ids: Iterable[str]) -> Iterator[tuple[Path, Mapping[str, int]]]:
    """Rename these users; the files that are about to name them no more, and in how many rows they did."""
    names = {user_id: f"forgotten-{uuid4().hex[:12]}" for user_id in user_ids}
    ids = pa.array(names, pa.string())
    for path in sorted(path for folder in FOLDERS for path in (data_dir / folder).rglob("*.parquet")):
        if pq.read_schema(path).names.count(USER) and (counts := _counts(path, ids)):
            yield path, counts
            _rewrite(path, ids, pa.array(names.values(), pa.string()))


def _counts(path: Path, ids: Any) -> dict[str, int]:
    column = pq.read_table(path, columns=[USER], partitioning=None)[USER].cast(pa.string())
    found = column.filter(pc.is_in(column, ids)).value_counts().to_pylist()
    return {each["values"]: each["counts"] for each in found}


def _rewrite(path: Path, ids: Any, names: Any) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(unfinished, file.schema_arrow, compression="zstd") as writer:
        place = file.schema_arrow.names.index(USER)
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            known = table[USER].combine_chunks().cast(pa.string())
            renamed = pc.coalesce(names.take(pc.index_in(known, ids)), known).cast(table.schema.field(place).type)
            writer.write_table(table.set_column(place, table.schema.field(place), renamed))
    unfinished.replace(path)
