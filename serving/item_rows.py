"""item ids -> their rows of ``item_content`` and ``item_activity`` in the online store, a batch at a time.

Only for filling the item table: a ranking never reads items from the store (a millisecond per hundred cells).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from feast import FeatureStore
from feast.errors import FeastObjectNotFoundException
from redis.exceptions import RedisError

from feature_repo.features import item_content
from feature_repo.inputs import feature_names
from feature_repo.online import decode
from serving.errors import OnlineStoreUnavailable

BATCH = 32  # items a read; more would hold the event loop for longer than a ranking takes
_NAMES = {
    "item_content": [field.name for field in item_content.schema if field.name != "item_id"],
    "item_activity": list(feature_names("item_activity")),
}
_REFERENCES = [f"{view}:{name}" for view, names in _NAMES.items() for name in names]
_VIEW_OF = {name: view for view, names in _NAMES.items() for name in names}

Rows = dict[str, dict[str, dict[str, Any]]]  # view -> item_id -> row


class ItemRows(Protocol):
    """Where the rows of items are read."""

    async def read(self, item_ids: Sequence[str]) -> Rows: ...


class StoredItems:
    """The item views of the online store."""

    def __init__(self, store: FeatureStore, timeout_ms: int) -> None:
        self._store = store
        self._timeout = timeout_ms / 1000

    async def read(self, item_ids: Sequence[str]) -> Rows:
        """The rows these items have, a missing one left out. Raises OnlineStoreUnavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._store.get_online_features_async(_REFERENCES, {"item_id": list(item_ids)})
        except (RedisError, OSError, TimeoutError, FeastObjectNotFoundException) as error:
            raise OnlineStoreUnavailable(f"item rows cannot be read: {error or type(error).__name__}") from error
        return _rows(item_ids, answer.proto)


def _rows(item_ids: Sequence[str], answer: Any) -> Rows:
    rows: Rows = {view: {} for view in _NAMES}
    for name, column in zip(answer.metadata.feature_names.val, answer.results, strict=True):
        for item_id, value in zip(item_ids, column.values, strict=True):
            content = decode(value)
            if content is not None and name in _VIEW_OF:
                rows[_VIEW_OF[name]].setdefault(item_id, {})[name] = content
    return rows
