"""a column of a source -> the same cells as events have them, all at once; what it cannot settle is marked doubtful."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.context import to_json
from feature_repo.vocabulary import ACTIONS
from streaming.events import InvalidEvent
from streaming.history import context

LONGEST_ID = 256


class Read(NamedTuple):
    """One column as events have it, and which of its cells are doubtful (None: none of them)."""

    values: Any  # pa.Array
    doubtful: Any = None  # pa.BooleanArray


def read(name: str, column: Any) -> Read | None:
    """The cells of the column of this name; None where its type cannot be one of them."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)  # how pandas writes a gap
    return _READERS.get(name, _text)(column)


def missing(name: str, length: int) -> Read:
    """What stands for a column that a source does not have."""
    return Read(pa.nulls(length, _KINDS.get(name, pa.string())))


def _text(column: Any) -> Read | None:
    """Ids: text, or whole numbers (pandas keeps those that have gaps as floats)."""
    kind = column.type
    if pa.types.is_floating(kind):
        column = _safely(column, pa.int64())
    elif not (_is_text(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind)):
        return None
    if column is None:
        return None
    text = column.cast(pa.string())
    lengths = pc.utf8_length(text)
    odd = pc.or_(pc.equal(lengths, 0), pc.greater(lengths, LONGEST_ID))
    return Read(text, pc.or_(odd, pc.match_substring(text, "\0")) if _holds_nul(text) else odd)


def _event_ids(column: Any) -> Read | None:
    return _text(pc.if_else(pc.equal(column, ""), None, column) if _is_text(column.type) else column)


def _actions(column: Any) -> Read | None:
    if not _is_text(column.type):
        return None
    return Read(pc.add(pc.index_in(column.cast(pa.string()), pa.array(ACTIONS)), 1).cast(pa.int8()))


def _times(column: Any) -> Read | None:
    kind = column.type
    if pa.types.is_integer(kind):
        return Read(column.cast(pa.int64()))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Read(pc.trunc(column.cast(pa.float64())).cast(pa.int64(), safe=False))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Read(_milliseconds(column))
    if not _is_text(kind):
        return None
    for form in (pa.int64(), pa.timestamp("us", "UTC"), pa.timestamp("us")):
        parsed = _safely(column.cast(pa.string()), form)
        if parsed is not None:
            return Read(parsed if form == pa.int64() else _milliseconds(parsed))
    return Read(pa.nulls(len(column), pa.int64()))


def _milliseconds(times: Any) -> Any:
    micros = times.cast(pa.timestamp("us", getattr(times.type, "tz", None)), safe=False).cast(pa.int64())
    return pa.array(np.floor_divide(micros.fill_null(0).to_numpy() + 500, 1000), mask=micros.is_null().to_numpy(False))


def _number(kind: Any) -> Callable[[Any], Read | None]:
    def cells(column: Any) -> Read | None:
        if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type) or pa.types.is_nested(column.type):
            return None
        numbers = _safely(column, kind)
        if numbers is None and _is_text(column.type):
            floats = _safely(column, pa.float64())  # how a table with gaps writes a whole number
            numbers = None if floats is None else _safely(floats, kind)
        if numbers is None:
            return Read(pa.nulls(len(column), kind), column.is_valid())
        return Read(numbers)

    return cells


def _contexts(column: Any) -> Read | None:
    """JSON objects: as text, each different one read once, or as structs or maps."""
    kind = column.type
    if pa.types.is_null(kind):
        return Read(column.cast(pa.string()))
    if _is_text(kind):
        encoded = column.cast(pa.string()).dictionary_encode()
        each = _said(encoded.dictionary)
        return Read(each.values.take(encoded.indices), each.doubtful.take(encoded.indices))
    return _said(column) if pa.types.is_struct(kind) or pa.types.is_map(kind) else None


def _said(column: Any) -> Read:
    texts: list[str | None] = []
    doubtful: list[bool] = []
    for value in column.to_pylist():
        try:
            text, doubt = to_json(context(value)), False
        except InvalidEvent:
            text, doubt = None, True
        texts.append(text)
        doubtful.append(doubt or (text is not None and "\\u0000" in text))
    return Read(pa.array(texts, pa.string()), pa.array(doubtful, pa.bool_()))


_KINDS = {"action": pa.int8(), "timestamp": pa.int64(), "value": pa.float64(), "position": pa.int64()}
_READERS: Mapping[str, Callable[[Any], Read | None]] = {
    "event_id": _event_ids,
    "action": _actions,
    "timestamp": _times,
    "value": _number(pa.float64()),
    "position": _number(pa.int64()),
    "context": _contexts,
}


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _safely(column: Any, kind: Any) -> Any:
    """The column as another type, None where a cell does not fit."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None


def _holds_nul(text: Any) -> bool:
    """Whether the text of an array may have a NUL character."""
    buffer = text.buffers()[2]
    return buffer is not None and bool((np.frombuffer(buffer, np.uint8) == 0).any())
