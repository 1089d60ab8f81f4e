"""The rows and the feature definitions of a snapshot -> its name, whatever chunks the rows were written in."""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.features import VIEWS, ranking_v1

BATCH = 65_536  # rows


def digest(folder: Path) -> str:
    """12 hexadecimal digits of every value of the folder's parquet files, in order, and of the definitions."""
    whole = hashlib.blake2b(json.dumps(definitions(), sort_keys=True).encode())
    for path in sorted(folder.glob("*.parquet")):
        whole.update(f"{path.name} {pq.read_schema(path).remove_metadata()}".encode())
        for name, part in sorted(_columns(path).items()):
            whole.update(name.encode() + part.digest())
    return whole.hexdigest()[:12]


def definitions() -> dict[str, Any]:
    """What the features are: of each view its expiry and its fields with type and tags; and which of them are read."""
    views = {
        view.name: [str(view.ttl), [(field.name, str(field.dtype), dict(field.tags)) for field in view.schema]]
        for view in VIEWS
    }
    read = {each.name: sorted(field.name for field in each.features) for each in ranking_v1.feature_view_projections}
    return {"views": views, "read": read}


def _columns(path: Path) -> dict[str, Any]:
    parts: dict[str, Any] = defaultdict(hashlib.blake2b)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                _feed(parts, name, column)
    return parts


def _feed(parts: dict[str, Any], name: str, column: Any) -> None:
    """Which values there are, how long each is, and all one after the other: chunks show in none of the three."""
    parts[f"{name} known"].update(np.asarray(column.is_valid()).tobytes())
    column = column.drop_null()
    if pa.types.is_list(column.type):
        parts[f"{name} lengths"].update(np.asarray(pc.list_value_length(column), np.int64).tobytes())
        _feed(parts, f"{name} item", column.flatten())
    elif pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        parts[f"{name} lengths"].update(np.asarray(pc.binary_length(column), np.int64).tobytes())
        parts[name].update(_bytes(column.cast(pa.large_binary())))
    else:
        parts[name].update(np.asarray(column).tobytes())


def _bytes(column: Any) -> Any:
    """The texts of a column without nulls, one after the other."""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return memoryview(data)[ends[0] : ends[-1]] if data and len(ends) else b""
