"""A table with a column of file names -> the same table with a column of their vectors."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from tqdm import tqdm

from training.media.kinds import Encoder, Unreadable

BATCH = 16  # files an encoder gets at once


class Encoded(NamedTuple):
    """A table with vectors, and what came of its files."""

    table: Any
    made: int
    kept: int  # vectors that were there already
    unreadable: list[str]  # item and reason


class _Work(NamedTuple):
    row: int
    name: str
    path: Path


def encode(table: Any, kind: str, folder: Path, encoder: Encoder, again: bool = False) -> Encoded:
    """Add or complete the column ``<kind>_vector`` by the files that column ``<kind>`` names, relative to ``folder``.

    Vectors that are there stay unless ``again``; rows whose file cannot be read have none, and are named.
    """
    files = table.column(kind).to_pylist()
    vectors = _present(table, f"{kind}_vector", again)
    work = [_Work(row, str(name), folder / str(name)) for row, name in enumerate(files) if name and not vectors[row]]
    kept, unreadable = sum(map(bool, vectors)), list[str]()
    made = 0
    with tqdm(total=len(work), desc=f"encoding {kind} files", unit="file", leave=False) as bar:
        for some in (work[start : start + BATCH] for start in range(0, len(work), BATCH)):
            read = list(_readable(some, encoder, table, unreadable))
            if read:
                for (row, _), vector in zip(read, encoder.vectors([each for _, each in read]), strict=True):
                    vectors[row] = vector.tolist()
            made += len(read)
            bar.update(len(some))
    return Encoded(_with(table, f"{kind}_vector", vectors), made, kept, unreadable)


def _present(table: Any, name: str, again: bool) -> list[Any]:
    if again or name not in table.schema.names:
        return [[]] * table.num_rows
    return [each or [] for each in table.column(name).to_pylist()]


def _readable(some: Sequence[_Work], encoder: Encoder, table: Any, unreadable: list[str]) -> Iterator[tuple[int, Any]]:
    for row, name, path in some:
        try:
            if "://" in name:
                raise Unreadable(f"{name} is an address and no file: download it first")
            yield row, encoder.read(path)
        except Unreadable as error:
            unreadable.append(f"item {table.column('item_id')[row].as_py()}: {error}")


def _with(table: Any, name: str, vectors: list[Any]) -> Any:
    column = pa.array(vectors, pa.list_(pa.float32()))
    if name in table.schema.names:
        return table.set_column(table.schema.get_field_index(name), name, column)
    return table.append_column(name, column)
