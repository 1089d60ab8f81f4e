"""What was served to users -> a list in Redis each, for a while, beside their rows: what erases those erases it."""

from collections.abc import Sequence

import feature_repo.lean_feast  # noqa: F401

from feast import FeatureStore
from feast.infra.online_stores.helpers import _redis_key
from feast.protos.feast.types import Value_pb2 as pb
from feast.protos.feast.types.EntityKey_pb2 import EntityKey

KEPT = 50  # pages of one user


def served_key(row_key: bytes) -> bytes:
    """The key of an entity's list, by the key of its rows."""
    return row_key + b"\0served"


class ServedPages:
    """The open lists, newest last; what a page is made of is up to the writer."""

    def __init__(self, store: FeatureStore, seconds: int) -> None:
        self._config, self._online = store.config, store._get_provider().online_store
        self._seconds = seconds

    async def read(self, user_id: str) -> Sequence[bytes]:
        """The pages of one user. Raises RedisError, OSError."""
        client = await self._online._get_client_async(self._config.online_store)
        pages: Sequence[bytes] = await client.lrange(self._key(user_id), 0, -1)
        return pages

    async def add(self, user_id: str, page: bytes) -> None:
        """Append a page and drop the oldest; all go when nothing is served for a while. Raises RedisError, OSError."""
        client, key = await self._online._get_client_async(self._config.online_store), self._key(user_id)
        async with client.pipeline(transaction=False) as pipe:
            pipe.rpush(key, page).ltrim(key, -KEPT, -1).expire(key, self._seconds)
            await pipe.execute()

    def _key(self, user_id: str) -> bytes:
        entity = EntityKey(join_keys=["user_id"], entity_values=[pb.Value(string_val=user_id)])
        return served_key(_redis_key(self._config.project, entity, self._config.entity_key_serialization_version))
