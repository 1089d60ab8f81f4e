"""Feast's Redis store, except that Redis itself compares stamps: no row is ever replaced by an older one.

Feast reads the stamps of a batch, then writes it. A worker that is frozen or cut off in between, and goes on when its
partitions have a new owner, would put its old rows over the new ones. Here a script compares and writes in one step,
which also saves a round trip. Redis' client sends no scripts in a pipeline to a Redis Cluster; there Feast's
own comparison stays.
"""

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Literal

import feature_repo.lean_feast  # noqa: F401

from feast import FeatureView
from feast.infra.online_stores.helpers import _mmh3, _redis_key
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig, RedisType, _versioned_fv_name
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import RepoConfig
from google.protobuf.timestamp_pb2 import Timestamp
from redis.exceptions import ResponseError

from feature_repo.quick_redis import QuickRedis
from feature_repo.served import served_key, unserve

log = logging.getLogger(__name__)

# KEYS[1] a row; ARGV its fields and values, the stamp first: a protobuf Timestamp (1 seconds, 2 nanoseconds).
_STAMP_OF = """
local function stamp(bytes)
  local parts, at = {0, 0}, 1
  while at <= #bytes do
    local field, value, scale, byte = bit.rshift(bytes:byte(at), 3), 0, 1, nil
    repeat
      at = at + 1
      byte = bytes:byte(at)
      value, scale = value + byte % 128 * scale, scale * 128
    until byte < 128
    parts[field], at = value, at + 1
  end
  return parts[1], parts[2]
end
"""
_WRITE_IF_NEWER = f"""{_STAMP_OF}
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored then
  local had_seconds, had_nanos = stamp(stored)
  local seconds, nanos = stamp(ARGV[2])
  if seconds < had_seconds or (seconds == had_seconds and nanos <= had_nanos) then return 0 end
end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
"""
# KEYS[1] a row; ARGV the name of its stamp, a stamp, and the names of its fields. Views of one entity share a key: it
# goes with the last of them, and with it the fields of features that no longer exist.
_ERASE_IF_NO_NEWER = f"""{_STAMP_OF}
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return 0 end
local had_seconds, had_nanos = stamp(stored)
local seconds, nanos = stamp(ARGV[2])
if had_seconds > seconds or (had_seconds == seconds and had_nanos > nanos) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1], unpack(ARGV, 3))
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if name:sub(1, 4) == '_ts:' then return 1 end
end
redis.call('DEL', KEYS[1])
return 1
"""

ANSWER_S = 10  # without a limit, a worker or an API would wait for ever for a store that is cut off

Fields = tuple[EntityKey, dict[str, Value], datetime, datetime | None]


class NewestWinsOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]
    """Feast finds it by its name; the settings are those of Feast's Redis store."""

    type: Literal["feature_repo.newest_wins.NewestWinsOnlineStore"] = "feature_repo.newest_wins.NewestWinsOnlineStore"


class NewestWinsOnlineStore(RedisOnlineStore):  # type: ignore[misc]
    """Feast's Redis store with an atomic write, and with limits on waiting (the connection string may set others)."""

    _quick: QuickRedis | None = None

    @staticmethod
    def _parse_connection_string(connection_string: str) -> tuple[Any, dict[str, Any]]:
        nodes, options = RedisOnlineStore._parse_connection_string(connection_string)
        return nodes, {"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S} | options

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: Sequence[Fields], progress: Callable[[int], Any] | None
    ) -> None:
        """Write rows; each only where Redis has none that is as new or newer."""
        if config.online_store.redis_type == RedisType.redis_cluster:
            super().online_write_batch(config, table, data, progress)
            return
        client, view = self._get_client(config.online_store), _versioned_fv_name(table, config)
        names = {field.name: _mmh3(f"{view}:{field.name}") for field in table.features}
        script, version = client.register_script(_WRITE_IF_NEWER), config.entity_key_serialization_version
        with client.pipeline(transaction=False) as pipe:
            for entity, values, at, _ in data:
                row: list[bytes | str] = [f"_ts:{view}", _stamp(at)]
                for name, value in values.items():
                    row += (names[name], value.SerializeToString())
                script([_redis_key(config.project, entity, version)], row, pipe)
            pipe.execute()
        if progress:
            progress(len(data))

    async def close(self) -> None:
        """Close the connections that read."""
        if self._quick:
            await self._quick.close()
        await super().close()

    def fields(self, config: RepoConfig, table: FeatureView, names: Sequence[str]) -> list[bytes]:
        """Under which fields of a row's hash the view's stamp is, and these features of it."""
        view = _versioned_fv_name(table, config)
        return [f"_ts:{view}".encode(), *(_mmh3(f"{view}:{name}") for name in names)]

    async def read_fields(
        self, config: RepoConfig, entities: Sequence[EntityKey], fields: Sequence[bytes]
    ) -> Sequence[Sequence[bytes | None]]:
        """Fields of the entities' hashes, those of several views in one question: views of an entity share its key."""
        version = config.entity_key_serialization_version
        keys = [_redis_key(config.project, entity, version) for entity in entities]
        if len(keys) == 1 and config.online_store.redis_type == RedisType.redis:
            self._quick = self._quick or QuickRedis(await self._get_client_async(config.online_store))
            return [await self._quick.ask(b"HMGET", keys[0], *fields)]
        client = await self._get_client_async(config.online_store)
        async with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key, fields)
            answers: Sequence[Sequence[bytes | None]] = await pipe.execute()
        return answers

    def erase(self, config: RepoConfig, table: FeatureView, rows: Sequence[tuple[EntityKey, datetime]]) -> list[bool]:
        """Remove rows of a view that are stamped no later than what stands beside each; which of them there were.

        What was served to these users goes as well, whenever it was.
        """
        client, view = self._get_client(config.online_store), _versioned_fv_name(table, config)
        names = [_mmh3(f"{view}:{field.name}") for field in table.features]
        version, erased = config.entity_key_serialization_version, []
        for entity, until in rows:  # one by one: a cluster takes no scripts in a pipeline, and deletions are rare
            key = _redis_key(config.project, entity, version)
            asked = (_ERASE_IF_NO_NEWER, 1, key, f"_ts:{view}", _stamp(until), *names)
            erased.append(bool(client.eval(*asked)))
            client.delete(served_key(key))
        return erased

    def unserve(self, config: RepoConfig, item_ids: Set[str]) -> Mapping[str, int]:
        """Take these items out of what was served; out of how many lists each."""
        return unserve(self._get_client(config.online_store), item_ids)

    def rewrite_log(self, config: RepoConfig) -> bool:
        """Have Redis write its append-only file anew, without what was deleted; False where it does not.

        Raises RedisError where it is at it already, from before the deletion: ask again.
        """
        client = self._get_client(config.online_store)
        if not client.info("persistence").get("aof_enabled"):
            return False
        try:
            client.bgrewriteaof()
        except ResponseError as error:
            if "in progress" in str(error):
                raise
            log.warning("Redis does not write its append-only file anew, deleted rows stay in it for now: %s", error)
            return False
        return True


def _stamp(at: datetime) -> bytes:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return bytes(stamp.SerializeToString())
