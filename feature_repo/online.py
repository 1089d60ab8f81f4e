"""Rows of one Feast view <-> the online store, in batches, through Feast's provider.

``online_write_batch`` and ``online_read`` of the provider are Feast's own batch interface; ``push`` and
``get_online_features`` add milliseconds of registry and response handling to every call.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import feature_repo.lean_feast  # noqa: F401

from feast import FeatureStore, FeatureView
from feast.protos.feast.types import Value_pb2 as pb
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.types import Array, Bool, Bytes, Float64, Int64, String

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _list_of(kind: str) -> Callable[[Any], pb.Value]:
    def encode(values: Any) -> pb.Value:
        value = pb.Value()
        getattr(value, kind).val.extend(values)  # filled in place: handing a filled list over would copy it
        return value

    return encode


_TO_PROTO: Mapping[Any, Callable[[Any], pb.Value]] = {
    String: lambda value: pb.Value(string_val=value),
    Int64: lambda value: pb.Value(int64_val=value),
    Float64: lambda value: pb.Value(double_val=value),
    Bool: lambda value: pb.Value(bool_val=value),
    Bytes: lambda value: pb.Value(bytes_val=value),
    Array(String): _list_of("string_list_val"),
    Array(Int64): _list_of("int64_list_val"),
    Array(Float64): _list_of("double_list_val"),
}


class Row(NamedTuple):
    """One entity's row of a view; ``stamp`` is its event_timestamp in epoch microseconds."""

    entity_id: str
    stamp: int
    values: Mapping[str, Any]


class OnlineRows:
    """An open view of the online store."""

    def __init__(self, store: FeatureStore, view: FeatureView) -> None:
        self.view = view
        self._config, self._provider = store.config, store._get_provider()
        self._join_key = view.join_keys[0]
        self._encoders = {field.name: _TO_PROTO[field.dtype] for field in view.features}

    def write(self, rows: Sequence[Row], **in_all: Any) -> None:
        """Write rows, each with the values ``in_all``; the store keeps the one it has where that is as new or newer."""
        if rows:
            same = {name: self._encoders[name](value) for name, value in in_all.items()}
            encoded = [self._encode(row, same) for row in rows]
            self._provider.online_write_batch(self._config, self.view, encoded, None)

    def read(self, entity_ids: Sequence[str], names: Sequence[str] | None = None) -> dict[str, Row]:
        """The rows the store has of these entities (an unknown one is not in the answer), all columns or ``names``."""
        if not entity_ids:
            return {}
        keys, asked = [self._key(entity_id) for entity_id in entity_ids], list(names or self._encoders)
        answers = self._provider.online_read(self._config, self.view, keys, asked)  # Redis adds to the list
        return self._rows(entity_ids, answers)

    def erase(self, until: Mapping[str, int]) -> set[str]:
        """Remove the rows of these entities that are stamped no later (epoch microseconds); whose there were."""
        asked = [(self._key(entity_id), moment(stamp)) for entity_id, stamp in until.items()]
        erased = self._provider.online_store.erase(self._config, self.view, asked)
        return {entity_id for entity_id, gone in zip(until, erased, strict=True) if gone}

    def unserve(self, item_ids: Set[str]) -> Mapping[str, int]:
        """Take these items out of what users were served; out of how many users' lists each."""
        unserved: Mapping[str, int] = self._provider.online_store.unserve(self._config, item_ids)
        return unserved

    def rewrite_log(self) -> bool:
        """Have the store write its file anew, without what was erased; False where it keeps none."""
        return bool(self._provider.online_store.rewrite_log(self._config))

    def _rows(self, entity_ids: Sequence[str], answers: Sequence[Any]) -> dict[str, Row]:
        found = zip(entity_ids, answers, strict=True)
        return {
            entity_id: Row(entity_id, _stamp(at), {name: decode(value) for name, value in values.items()})
            for entity_id, (at, values) in found
            if values and at and at > _EPOCH
        }

    def _key(self, entity_id: str) -> EntityKey:
        return entity_key(self._join_key, entity_id)

    def _encode(self, row: Row, same: dict[str, pb.Value]) -> tuple[EntityKey, dict[str, pb.Value], datetime, None]:
        values = {name: self._encoders[name](value) for name, value in row.values.items()} | same
        return self._key(row.entity_id), values, moment(row.stamp), None


def entity_key(join_key: str, entity_id: str) -> EntityKey:
    """An entity as Feast names it."""
    return EntityKey(join_keys=[join_key], entity_values=[pb.Value(string_val=entity_id)])


def moment(stamp: int) -> datetime:
    """Epoch microseconds -> a datetime in UTC, exactly."""
    return _EPOCH + timedelta(microseconds=stamp)


def _stamp(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def decode(value: pb.Value) -> Any:
    """A Feast value as Python; None where it is missing."""
    kind = value.WhichOneof("val")
    if kind is None:
        return None
    content = getattr(value, kind)
    return list(content.val) if kind.endswith("_list_val") else content
