"""item ids -> their rows of ``item_content`` and ``item_activity`` in the online store, a batch at a time.

Only for filling the item table: a ranking never reads items from the store (a millisecond per hundred cells).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import feature_repo.lean_feast  # noqa: F401

from feast import FeatureStore
from redis.exceptions import RedisError

from feature_repo.entity_rows import EntityRows
from feature_repo.features import item_activity, item_content
from feature_repo.inputs import feature_names
from serving.errors import OnlineStoreUnavailable
from serving.user_features import present

BATCH = 32  # items a read; more would hold the event loop for longer than a ranking takes

Rows = dict[str, dict[str, dict[str, Any]]]  # view -> item_id -> row


class ItemRows(Protocol):
    """Where the rows of items are read."""

    async def read(self, item_ids: Sequence[str]) -> Rows: ...


class StoredItems:
    """The item views of the online store."""

    def __init__(self, store: FeatureStore, timeout_ms: int) -> None:
        self._views = item_content.name, item_activity.name
        self._rows = EntityRows(store, [(item_content, None), (item_activity, feature_names(item_activity.name))])
        self._timeout = timeout_ms / 1000

    async def read(self, item_ids: Sequence[str]) -> Rows:
        """The rows these items have, a missing one left out. Raises OnlineStoreUnavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._rows.read(item_ids)
        except (RedisError, OSError, TimeoutError) as error:
            raise OnlineStoreUnavailable(f"item rows cannot be read: {str(error) or type(error).__name__}") from error
        return {
            view: {item_id: present(row) for item_id, row in rows.items()}
            for view, rows in zip(self._views, found, strict=True)
        }
