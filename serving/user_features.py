"""user_id -> the user's rows of ``user_profile`` and ``user_activity``, in one read of the online store.

Of Feast's ways, the asynchronous read with explicit references and a columnar entity is the cheapest that does not
block (docs/api.md has the figures); the answer's protos are read as they are, ``to_dict`` costs as much again.
"""

import asyncio
from typing import Any, NamedTuple

from feast import FeatureStore
from feast.errors import FeastObjectNotFoundException
from redis.exceptions import RedisError

from feature_repo.inputs import feature_names
from feature_repo.online import decode
from serving.errors import OnlineStoreUnavailable

VIEWS = ("user_profile", "user_activity")
REFERENCES = [f"{view}:{name}" for view in VIEWS for name in feature_names(view)]
_VIEW_OF = {name: VIEWS.index(view) for view in VIEWS for name in feature_names(view)}


class UserRows(NamedTuple):
    """Rows of the two views; a missing feature is not in them."""

    profile: dict[str, Any]
    activity: dict[str, Any]


class UserFeatures:
    """The store that users are read from."""

    def __init__(self, store: FeatureStore, timeout_ms: int) -> None:
        self._store = store
        self._timeout = timeout_ms / 1000

    async def read(self, user_id: str) -> UserRows:
        """The rows of one user, empty for one never seen. Raises OnlineStoreUnavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._store.get_online_features_async(REFERENCES, {"user_id": [user_id]})
        except (RedisError, OSError, TimeoutError) as error:
            reason = str(error) or f"no answer within {self._timeout:g} s"
            raise OnlineStoreUnavailable(f"the online store (Redis) does not answer: {reason}") from error
        except FeastObjectNotFoundException as error:
            await asyncio.to_thread(self._store.refresh_registry)  # `make apply` may have run since the last look
            raise OnlineStoreUnavailable(f"the feature registry is not set up ({error}): run `make apply`") from error
        return rows(answer.proto)


def rows(answer: Any) -> UserRows:
    """The rows in a GetOnlineFeaturesResponse about one user."""
    found: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for name, column in zip(answer.metadata.feature_names.val, answer.results, strict=True):
        value = decode(column.values[0])
        if value is not None and name in _VIEW_OF:
            found[_VIEW_OF[name]][name] = value
    return UserRows(*found)
