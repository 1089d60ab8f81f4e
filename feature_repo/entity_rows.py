"""Rows of an entity in several Feast views <- the online store, in one question that does not block the event loop.

Feast asks for each view by itself. Redis keeps the views of an entity in one hash, so one command has them all, for
about half of what two cost (docs/decisions.md).
"""

from collections.abc import Sequence

import feature_repo.lean_feast  # noqa: F401

from feast import FeatureStore, FeatureView
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from feature_repo.online import Row, decode, entity_key


class EntityRows:
    """Views of one entity; of each all features, or those that are named."""

    def __init__(self, store: FeatureStore, views: Sequence[tuple[FeatureView, Sequence[str] | None]]) -> None:
        self._config, self._online = store.config, store._get_provider().online_store
        self._names = [tuple(names or (field.name for field in view.features)) for view, names in views]
        self._fields: list[bytes] = []
        for (view, _), names in zip(views, self._names, strict=True):
            self._fields += self._online.fields(self._config, view, names)
        (self._join_key,) = {key for view, _ in views for key in view.join_keys}

    async def read(self, entity_ids: Sequence[str]) -> list[dict[str, Row]]:
        """By view, the rows the store has of these entities; one it does not have is not in the answer.

        Raises RedisError, OSError.
        """
        if not entity_ids:
            return [{} for _ in self._names]
        entities = [entity_key(self._join_key, entity_id) for entity_id in entity_ids]
        answers = await self._online.read_fields(self._config, entities, self._fields)
        views: list[dict[str, Row]] = [{} for _ in self._names]
        for entity_id, values in zip(entity_ids, answers, strict=True):
            at = 0
            for rows, names in zip(views, self._names, strict=True):
                if values[at]:
                    rows[entity_id] = row(entity_id, names, values[at : at + 1 + len(names)])
                at += 1 + len(names)
        return views


def row(entity_id: str, names: Sequence[str], values: Sequence[bytes | None]) -> Row:
    """The stamp and the features as Redis has them -> a row; a feature that is missing is None."""
    at, *raw = values
    stamp = Timestamp.FromString(at)
    known = {name: decode(Value.FromString(value or b"")) for name, value in zip(names, raw, strict=True)}
    return Row(entity_id, stamp.seconds * 1_000_000 + stamp.nanos // 1000, known)
