"""What was served to users -> a list in Redis each, for a while, beside their rows: what erases those erases it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import msgspec
from feast import FeatureStore
from feast.infra.online_stores.helpers import _redis_key
from feast.protos.feast.types import Value_pb2 as pb
from feast.protos.feast.types.EntityKey_pb2 import EntityKey

KEPT = 50  # pages of one user
SERVED = b"\0served"
LISTS = 50  # of users, read at once when an item is searched for: up to half a megabyte each

# KEYS[1] a list; ARGV a page, and what takes its place: the list may have grown, or lost the page, since it was read.
_REPLACE = """
local place = redis.call('LPOS', KEYS[1], ARGV[1])
if place then redis.call('LSET', KEYS[1], place, ARGV[2]) end
"""


class Page(msgspec.Struct, frozen=True, array_like=True):
    """What was answered once."""

    at: int  # epoch milliseconds
    offset: int
    item_ids: list[str]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Page).decode


def served_key(row_key: bytes) -> bytes:
    """The key of an entity's list, by the key of its rows."""
    return row_key + SERVED


class ServedPages:
    """The open lists, newest last."""

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


def unserve(client: Any, item_ids: Set[str]) -> Mapping[str, int]:
    """Take items out of all lists; out of how many each. Nobody knows who was served what, so every list is read."""
    count, needles = Counter[str](), [item_id.encode() for item_id in item_ids]
    for key, pages in _lists(client):
        gone: set[str] = set()
        for raw in pages:
            page = decode(raw) if any(needle in raw for needle in needles) else None
            if page and (held := item_ids & set(page.item_ids)):
                left = [item_id for item_id in page.item_ids if item_id not in held]
                client.eval(_REPLACE, 1, key, raw, encode(msgspec.structs.replace(page, item_ids=left)))
                gone |= held
        count.update(gone)
    return count


def _lists(client: Any) -> Iterator[tuple[bytes, Sequence[bytes]]]:
    keys: list[bytes] = []
    for key in client.scan_iter(match=b"*" + SERVED, count=1000):
        keys.append(key)
        if len(keys) == LISTS:
            yield from _read(client, keys)
            keys = []
    yield from _read(client, keys)


def _read(client: Any, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Sequence[bytes]]]:
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.lrange(key, 0, -1)
        return zip(keys, pipe.execute(), strict=True)
