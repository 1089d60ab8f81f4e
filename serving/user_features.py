"""user_id -> the user's rows of ``user_profile`` and ``user_activity`` in the online store, in one question."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import feature_repo.lean_feast  # noqa: F401

from feast import FeatureStore
from redis.exceptions import RedisError

from feature_repo.entity_rows import EntityRows
from feature_repo.features import user_activity, user_profile
from feature_repo.inputs import feature_names
from feature_repo.online import Row
from serving.errors import OnlineStoreUnavailable


class UserRows(NamedTuple):
    """Rows of the two views with their stamps (``event_timestamp``); a missing feature is not in them."""

    profile: Mapping[str, Any]
    activity: Mapping[str, Any]


class UserFeatures:
    """The store that users are read from."""

    def __init__(self, store: FeatureStore, timeout_ms: int) -> None:
        activity = (*feature_names(user_activity.name), "user_written_at")
        self._rows = EntityRows(store, [(user_profile, feature_names(user_profile.name)), (user_activity, activity)])
        self._timeout = timeout_ms / 1000

    async def read(self, user_id: str, seconds: float = math.inf) -> UserRows:
        """The rows of one user, empty for one never seen; ``seconds`` shortens the usual time it has.

        Raises OnlineStoreUnavailable.
        """
        seconds = min(seconds, self._timeout)
        try:
            async with asyncio.timeout(seconds):
                found = await self._rows.read([user_id])
        except (RedisError, OSError, TimeoutError) as error:
            reason = str(error) or f"no answer within {seconds:.3g} s"
            raise OnlineStoreUnavailable(f"the online store (Redis) does not answer: {reason}") from error
        return UserRows(*(present(rows.get(user_id)) for rows in found))


def present(row: Row | None) -> dict[str, Any]:
    """The features a row has, and its stamp in epoch microseconds."""
    if row is None:
        return {}
    return {name: value for name, value in row.values.items() if value is not None} | {"event_timestamp": row.stamp}
