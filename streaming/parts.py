"""columns of rows -> Arrow tables as the offline log has them -> its parts."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.online import Row
from streaming.offline_log import SCHEMAS, STAMP, OfflineLog, write_part
from streaming.row_log import RowLog

REPEATED = frozenset(  # the columns that a dictionary makes smaller
    {"user_id", "item_id", "action", "history_item_ids", "history_actions", "user_session_events", "user_categories"}
)
DICTIONARY_BYTES = 64 << 20  # ids come with their dictionary: it must not be given up for its size


def table_of(name: str, columns: Mapping[str, Any], stamps: npt.NDArray[np.int64]) -> pa.Table:
    """Rows of the log's table ``name`` with their stamps (epoch microseconds); text may be dictionary-encoded."""
    created = np.full(len(stamps), time.time_ns() // 1000)
    stamped = {"event_timestamp": pa.array(stamps).cast(STAMP), "created": pa.array(created).cast(STAMP)}
    every = {key: pa.array(each) if isinstance(each, np.ndarray) else each for key, each in columns.items()} | stamped
    return pa.Table.from_arrays([every[key] for key in SCHEMAS[name].names], SCHEMAS[name].names)


def lists_of(ends: npt.NDArray[np.int32], values: npt.NDArray[Any], names: Any = None) -> Any:
    """Lists that lie end to end, as an Arrow array of lists; with ``names`` the values are places in them.

    All is copied: the loops fill their arrays anew for the next part.
    """
    inner = pa.array(values[: ends[-1]].copy())
    return pa.ListArray.from_arrays(
        pa.array(ends.copy()), inner if names is None else pa.DictionaryArray.from_arrays(inner, names)
    )


def append(log: RowLog, name: str, part: str, table: pa.Table) -> None:
    """Write a part, whole or not at all; the same part again replaces it."""
    if isinstance(log, OfflineLog):
        _write_parquet(log, name, part, table)
        return
    log.append(name, part, rows_of(table))


def ends_of(codes: npt.NDArray[np.int32], of_part: slice) -> npt.NDArray[np.int64]:
    """The places in a part of which the next event is another entity's; ``codes`` names each event's entity."""
    following = codes[of_part.start + 1 : of_part.stop + 1]
    return np.flatnonzero(codes[of_part] != np.append(following, [-1] * (of_part.stop == len(codes))))


def rows_of(table: pa.Table) -> list[Row]:
    """A table of the log as rows; its first column is their entity."""
    entity, *names = table.column_names[:-2]
    stamps = table["event_timestamp"].cast(pa.int64()).to_numpy().tolist()
    columns = [_cells(table[name].combine_chunks()) for name in names]
    return [
        Row(entity_id, stamp, dict(zip(names, values, strict=True)))
        for entity_id, stamp, *values in zip(_cells(table[entity].combine_chunks()), stamps, *columns, strict=True)
    ]


def _cells(column: Any) -> list[Any]:
    """An array as Python values: ``to_pylist``, ten times as fast where there are no gaps."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_list(column.type):
        cells, ends = _cells(column.flatten()), np.cumsum(column.value_lengths().to_numpy()).tolist()
        return [cells[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    if column.null_count:
        return column.to_pylist()  # type: ignore[no-any-return]
    return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]


def drop_unfinished(log: RowLog) -> None:
    """Delete what a backfill that was killed left of a part."""
    if isinstance(log, OfflineLog):
        for path in log.folder.glob("*/backfill-*.tmp"):
            path.unlink()


def _write_parquet(log: OfflineLog, name: str, part: str, table: pa.Table) -> None:
    fields = list(SCHEMAS[name])
    write_part(
        log.folder / name / f"{part}.parquet",
        table,
        use_dictionary=[_leaf(field) for field in fields if field.name in REPEATED],
        dictionary_pagesize_limit=DICTIONARY_BYTES,
        write_statistics=[field.name for field in fields if not pa.types.is_list(field.type)],  # nobody asks lists
        store_schema=False,  # the log's text is text, however it was written
    )


def _leaf(field: Any) -> str:
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)
