"""a batch of a source -> columns of interactions, checked all at once; a doubtful row is read again by itself.

What the columns cannot settle (a reason to refuse a row, a time in an unusual form) the row's own reading decides:
``history.message``, the one place that knows what an interaction is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.context import to_json
from feature_repo.vocabulary import ACTION_CODE
from streaming.cells import Read, missing, read
from streaming.events import EARLIEST, LATEST, Interaction, InvalidEvent
from streaming.history import message

EVENTS = pa.schema(
    {
        "number": pa.int64(),  # of the row in its source
        "event_id": pa.string(),
        "entity": pa.string(),  # whose event it is: Interaction.key
        "item_id": pa.string(),
        "action": pa.int8(),  # ACTION_CODE
        "timestamp": pa.int64(),  # epoch milliseconds
        "value": pa.float64(),
        "request_id": pa.string(),
        "position": pa.int64(),
        "context": pa.string(),  # context.to_json
    }
)
WANTED = ("event_id", "user_id", "session_id", *EVENTS.names[3:])
EXPECTED = (
    "interactions have the columns `user_id` or `session_id`, `item_id` and `action` (text; ids may be whole numbers), "
    "`timestamp` (epoch milliseconds, ISO 8601 or a time), and if they like `event_id`, `request_id` (text), "
    "`value` (a number), `position` (a whole number) and `context` (a JSON object as text, or a struct or map)"
)

Reject = Callable[[int, str, Mapping[str, Any]], None]  # row number, reason, the row


def check_names(names: Sequence[str], where: str) -> None:
    """Raise InvalidEvent where a column is missing that every interaction needs."""
    needed = [name for name in ("item_id", "action", "timestamp") if name not in names]
    if "user_id" not in names and "session_id" not in names:
        needed.insert(0, "user_id` or `session_id")
    if needed:
        raise InvalidEvent(f"{where} has no column `{needed[0]}`: {EXPECTED}")


def events(batch: Any, first: int, where: str, reject: Reject) -> Any:
    """The interactions of a batch whose rows are numbered from ``first``; the others go to ``reject``.

    The batch is a record batch or, where it has no columns of one type each, a list of rows. Returns a record batch of
    ``EVENTS``. Raises InvalidEvent where a column has an impossible type.
    """
    if isinstance(batch, list):
        return one_by_one(enumerate(batch, start=first), reject)
    cells = {name: _read(batch, name, where) for name in WANTED}
    entity = _entity(cells["user_id"].values, cells["session_id"].values)
    columns = [np.arange(first, first + len(batch)), cells["event_id"].values, entity]
    columns += [cells[name].values for name in EVENTS.names[3:]]
    doubtful = _doubtful(cells, entity)
    checked = pa.RecordBatch.from_arrays([pa.array(each) for each in columns], schema=EVENTS)
    if not doubtful.any():
        return checked
    asked = batch.select([name for name in WANTED if name in batch.schema.names]).take(pa.array(doubtful.nonzero()[0]))
    again = one_by_one(zip((first + doubtful.nonzero()[0]).tolist(), asked.to_pylist(), strict=True), reject)
    both = pa.Table.from_batches([checked.filter(pa.array(~doubtful)), again])
    return both.sort_by("number").combine_chunks().to_batches(len(both))[0] if len(both) else again


def one_by_one(rows: Any, reject: Reject) -> Any:
    """The interactions among numbered rows (pairs of number and fields), each read by itself."""
    found = []
    for number, fields in rows:
        try:
            found.append(_record(number, message(fields, Interaction)))
        except InvalidEvent as error:
            reject(number, str(error), fields)
    return pa.RecordBatch.from_pylist(found, schema=EVENTS)


def shares(column: Any, count: int) -> npt.NDArray[np.int64]:
    """For each string of an array one of ``count`` shares, the same in every run."""
    encoded = column.dictionary_encode()
    of_each = np.array([crc32(text.encode()) % count for text in encoded.dictionary.to_pylist()], np.int64)
    each: npt.NDArray[np.int64] = of_each[encoded.indices.to_numpy(zero_copy_only=False)]
    return each


def _record(number: int, event: Interaction) -> dict[str, Any]:
    return {
        "number": number,
        "event_id": event.event_id or None,
        "entity": event.key,
        "item_id": event.item_id,
        "action": ACTION_CODE[event.action],
        "timestamp": event.timestamp,
        "value": event.value,
        "request_id": event.request_id,
        "position": event.position,
        "context": to_json(event.context),
    }


def _read(batch: Any, name: str, where: str) -> Read:
    if name not in batch.schema.names:
        return missing(name, len(batch))
    cells = read(name, batch.column(name))
    if cells is None:
        raise InvalidEvent(f"the column `{name}` of {where} is of type {batch.column(name).type}: {EXPECTED}")
    return cells


def _doubtful(cells: Mapping[str, Read], entity: Any) -> npt.NDArray[np.bool_]:
    when, position = cells["timestamp"].values, cells["position"].values
    doubts = [each.doubtful for each in cells.values() if each.doubtful is not None]
    doubts += [pc.is_null(each) for each in (entity, cells["item_id"].values, cells["action"].values, when)]
    doubts += [pc.or_(pc.less(when, EARLIEST), pc.greater(when, LATEST))]
    doubts += [pc.or_(pc.less(position, 0), pc.greater(position, 2**31 - 1))]
    doubtful = np.zeros(len(entity), bool)
    for doubt in doubts:
        doubtful |= doubt.fill_null(False).to_numpy(zero_copy_only=False)
    return doubtful


def _entity(user_id: Any, session_id: Any) -> Any:
    if not user_id.null_count:
        return user_id
    return pc.coalesce(user_id, pc.binary_join_element_wise("session:", session_id, ""))
