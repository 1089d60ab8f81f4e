"""settings -> open connections to everything the API needs, closed when it stops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy.typing as npt

from feature_repo.erasure import open_erasures
from feature_repo.served import ServedPages
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from serving import encoder, readiness
from serving.background import background
from serving.candidates.retrieval import Retrieval
from serving.catalogue import Catalogue
from serving.encoder import Encoder
from serving.encoding import Encoding
from serving.guards import Guards
from serving.item_changes import ItemChanges
from serving.item_rows import StoredItems
from serving.last_known import LastKnown
from serving.loader import Loader
from serving.models import Model, Models
from serving.publisher import Publisher
from serving.queries import Queries
from serving.ranker import Ranker, Triton
from serving.ranking_log import RankingLog, Sink
from serving.readiness import Check
from serving.receipts import Receipts, StoredReceipts
from serving.served_lists import ServedLists
from serving.settings import ServingSettings
from serving.slate.surfaces import DEFAULT, Surfaces, load, longest_memory
from serving.user_encoder import UserEncoder
from serving.user_features import UserFeatures, UserRows
from streaming.events import Publishable

Array = npt.NDArray[Any]


class Users(Protocol):
    async def read(self, user_id: str, seconds: float = ...) -> UserRows: ...


class Scorer(Protocol):
    async def score(self, inputs: Any, candidates: int, version: int, seconds: float = ...) -> Array: ...

    async def score_many(self, inputs: Any, version: int, seconds: float = ...) -> Array: ...


class Aimer(Protocol):
    async def vector(self, inputs: Any, version: int, seconds: float = ...) -> Array: ...


class Typed(Protocol):
    async def vector(self, text: str, model: Model) -> Array | None: ...

    @property
    def counts(self) -> Mapping[str, int]: ...


class Bus(Protocol):
    async def deliver(self, messages: Sequence[Publishable]) -> list[str | None]: ...


@dataclass(frozen=True)
class Neighbours:
    """What the routes call; tests hand in their own."""

    users: Users
    ranker: Scorer
    user_encoder: Aimer
    queries: Typed
    model: Callable[[], Model]
    catalogue: Catalogue
    bus: Bus
    rankings: Sink
    checks: dict[str, Check]
    retrieval: Retrieval
    served: ServedLists
    receipts: Receipts
    surfaces: Surfaces = field(default_factory=load)
    guards: Guards = field(default_factory=Guards)


@asynccontextmanager
async def open_neighbours(settings: ServingSettings, store_settings: StoreSettings) -> AsyncIterator[Neighbours]:
    """The real neighbours. None of them has to be there: each is tried when it is needed, and again.

    Raises InvalidSurfaces where the file of slates does.
    """
    surfaces = load(settings.slate or DEFAULT)
    async with AsyncExitStack() as stack:
        store = await asyncio.to_thread(open_store, store_settings)
        stack.push_async_callback(store.close)
        triton = Triton(settings.triton, settings.triton_timeout_ms)
        stack.push_async_callback(triton.close)
        catalogue = Catalogue(settings.item_attributes)
        models = Models(settings.bundles_dir, catalogue, triton.has)
        await models.refresh()
        users = UserFeatures(store, settings.feast_timeout_ms)
        publisher = Publisher(settings.broker, settings.broker_timeout_ms)
        stack.push_async_callback(asyncio.to_thread, publisher.close)
        last_known = LastKnown(settings.kept_users)
        changes = ItemChanges(settings.broker, catalogue.take_over, asyncio.get_running_loop(), last_known.forget)
        changes.start()
        stack.push_async_callback(asyncio.to_thread, changes.close)
        rankings = RankingLog(settings.broker, settings.ranking_log_share, settings.broker_timeout_ms)
        rankings.start()
        stack.push_async_callback(asyncio.to_thread, rankings.close)
        erasures = open_erasures(store_settings)
        stack.push_async_callback(asyncio.to_thread, erasures.close)
        rows = StoredItems(store, settings.feast_timeout_ms)
        patient = Triton(settings.triton, encoder.TIMEOUT_MS)
        stack.push_async_callback(patient.close)
        encoding = Encoding(catalogue, rows, Encoder(patient), models)
        retrieval = Retrieval(catalogue, models.in_use, settings.exact_search_items)
        stack.callback(retrieval.close)
        await retrieval.refresh()
        work = models.watch(), Loader(catalogue, rows).run(), encoding.run(), retrieval.watch()
        await stack.enter_async_context(background(*work))
        yield Neighbours(
            users,
            Ranker(triton),
            UserEncoder(triton),
            Queries(Encoder(triton)),
            models.in_use,
            catalogue,
            publisher,
            rankings,
            {
                "broker": readiness.broker(settings.broker),
                "item_changes": readiness.item_changes(changes),
                "online_store": readiness.online_store(users),
                "triton": readiness.triton_server(triton),
                "model": readiness.model(models, triton, settings.model_required),
                "item_table": readiness.item_table(catalogue),
            },
            retrieval,
            ServedLists(ServedPages(store, round(longest_memory(surfaces)))),
            StoredReceipts(erasures),
            surfaces,
            Guards(last_known=last_known),
        )
