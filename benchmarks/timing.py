"""Calls -> milliseconds -> percentiles; and the bare calls that a ranking cannot do without."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import numpy.typing as npt
from feast import FeatureStore
from feast.infra.online_stores.redis import RedisOnlineStore

from benchmarks.http_client import HttpClient
from benchmarks.rank_system import stores
from deploy.laptop.system import System
from feature_repo import inputs
from feature_repo.features import user_activity, user_profile
from feature_repo.inputs import feature_names
from feature_repo.online import decode, entity_key
from feature_repo.store import open_store
from serving.ranker import Ranker, Triton
from serving.user_features import UserFeatures

PATIENCE_MS = 5000


def answered(api: HttpClient, path: str, body: bytes) -> float:
    """Milliseconds of one answer; one that is not whole ends the benchmark."""
    started = time.perf_counter()
    status, answer = api.post(path, body)
    took = (time.perf_counter() - started) * 1000
    if status != 200:
        raise SystemExit(f"{path} answered {status}: {answer.decode()}")
    return took


class FeastUsers:
    """A user's two views by Feast as it comes: of its ways the cheapest that does not block (docs/api.md)."""

    def __init__(self, store: FeatureStore) -> None:
        self._config, self._online = store.config, RedisOnlineStore()
        self._views = [(view, [*feature_names(view.name)]) for view in (user_profile, user_activity)]

    async def read(self, user_id: str) -> list[dict[str, Any]]:
        """The rows, both views asked at once, their values as Python has them."""
        entity = [entity_key("user_id", user_id)]
        asked = (self._online.online_read_async(self._config, view, entity, [*names]) for view, names in self._views)
        return [{name: decode(value) for name, value in row.items()} for [(_, row)] in await asyncio.gather(*asked)]


@dataclass
class Bare:
    """Feast and Triton, asked directly."""

    feast: FeastUsers
    users: UserFeatures
    ranker: Ranker
    tensors: dict[str, npt.NDArray[Any]]
    candidates: int

    async def read(self, user_id: str) -> float:
        """Milliseconds of reading one user through Feast."""
        return await _timed(self.feast.read(user_id))

    async def read_quickly(self, user_id: str) -> float:
        """Milliseconds of reading one user as the API does."""
        return await _timed(self.users.read(user_id))

    async def infer(self) -> float:
        """Milliseconds of one inference."""
        return await _timed(self.ranker.score(self.tensors, self.candidates, version=1))


@asynccontextmanager
async def bare(system: System, candidates: int) -> AsyncIterator[Bare]:
    """The neighbours of a system, for inferences of this many candidates."""
    triton = Triton(system.settings.triton, timeout_ms=PATIENCE_MS)
    store = open_store(stores(system.environment))
    users = UserFeatures(store, timeout_ms=PATIENCE_MS)
    try:
        yield Bare(FeastUsers(store), users, Ranker(triton), tensors_for(candidates), candidates)
    finally:
        await triton.close()


def tensors_for(candidates: int) -> dict[str, npt.NDArray[Any]]:
    """Some input of the ranker for one user and this many candidates."""
    random = np.random.default_rng(0)
    shapes = {
        tensor.name: ([candidates if size == "N" else int(size) for size in tensor.shape], tensor.dtype)
        for tensor in inputs.tensors()
    }
    return {name: random.random(shape).astype(dtype) for name, (shape, dtype) in shapes.items()}


async def _timed(call: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await call
    return (time.perf_counter() - started) * 1000


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """p50, p95 and p99."""
    return {f"p{rank}": round(float(np.percentile(milliseconds, rank)), 3) for rank in (50, 95, 99)}
