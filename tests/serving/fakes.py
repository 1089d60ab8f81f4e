"""Neighbours of ten lines each, and an API around them."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from benchmarks.tiny_model import tokenizer
from feature_repo.erasure import Kind
from feature_repo.erasure_receipts import Receipt
from feature_repo.vocabulary import VECTOR_SIZE
from serving.app import create_app
from serving.candidates.retrieval import Retrieval
from serving.catalogue import Catalogue
from serving.guards import Guards
from serving.last_known import LastKnown
from serving.models import Model
from serving.neighbours import Neighbours
from serving.ranking_log import Answered
from serving.readiness import Check
from serving.served_lists import ServedLists
from serving.settings import ServingSettings
from serving.slate.surfaces import Surfaces, load
from serving.user_features import UserRows
from streaming.events import Publishable

MODEL = Model(Path("bundle-1"), "model-1", 1, tokenizer())


class FakeUsers:
    """Rows by user id; raises ``error`` instead when there is one."""

    def __init__(self, rows: Mapping[str, UserRows] | None = None, error: Exception | None = None) -> None:
        self.rows, self.error = rows or {}, error

    async def read(self, user_id: str, seconds: float = 1) -> UserRows:
        if self.error:
            raise self.error
        return self.rows.get(user_id, UserRows({}, {}))


class FakeRanker:
    """Scores a candidate by the first number of its vector, a user with a history ten higher; keeps what it saw."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.calls = error, 0
        self.inputs: Mapping[str, Any] = {}

    async def score(self, inputs: Mapping[str, Any], candidates: int, version: int, seconds: float = 1) -> Any:
        self.calls += 1
        self.inputs = inputs
        if self.error:
            raise self.error
        bonus = 10.0 if inputs["history_actions"].any() else 0.0
        return inputs["item_vectors"][:, 0] + np.float32(bonus)

    async def score_many(self, inputs: Mapping[str, Any], version: int, seconds: float = 1) -> Any:
        if self.error:
            raise self.error
        bonus = np.where(inputs["history_actions"].any(1), np.float32(10), np.float32(0))
        return inputs["item_vectors"][:, :, 0] + bonus[:, None]


class FakeUserEncoder:
    """Says one direction of everybody, or raises ``error``; keeps what it saw."""

    def __init__(self, direction: Any = None, error: Exception | None = None) -> None:
        self.direction, self.error = direction, error
        self.inputs: Mapping[str, Any] = {}

    async def vector(self, inputs: Mapping[str, Any], version: int, seconds: float = 1) -> Any:
        self.inputs = inputs
        if self.error:
            raise self.error
        return self.direction


@dataclass
class FakeQueries:
    """The vector of a query repeats its length; away when ``away``."""

    away: bool = False
    texts: list[str] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=lambda: {"failed": 1})

    async def vector(self, text: str, model: Model) -> Any:
        self.texts.append(text)
        return None if self.away else np.full(VECTOR_SIZE, len(text), np.float32)


@dataclass
class FakeBus:
    """Keeps what was delivered; refuses what ``refused`` names by key; raises ``error`` when there is one."""

    refused: set[str] = field(default_factory=set)
    error: Exception | None = None
    messages: list[Publishable] = field(default_factory=list)

    async def deliver(self, messages: Sequence[Publishable]) -> list[str | None]:
        if self.error:
            raise self.error
        self.messages += messages
        return ["timed out" if message.key in self.refused else None for message in messages]


@dataclass
class FakeRankings:
    """Keeps what was answered."""

    answered: list[Answered] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=lambda: {"logged": 7})

    def put(self, answered: Answered) -> None:
        self.answered.append(answered)


@dataclass
class FakePages:
    """Pages by user."""

    kept: dict[str, list[bytes]] = field(default_factory=dict)
    away: bool = False

    async def read(self, user_id: str) -> Sequence[bytes]:
        if self.away:
            raise OSError("redis is away")
        return self.kept.get(user_id, [])

    async def add(self, user_id: str, page: bytes) -> None:
        if self.away:
            raise OSError("redis is away")
        self.kept.setdefault(user_id, []).append(page)


@dataclass
class FakeReceipts:
    """Receipts by id, numbered from 0; ``error`` is raised instead where there is one."""

    kept: dict[str, Receipt] = field(default_factory=dict)
    error: Exception | None = None

    async def ask(self, kind: Kind, entity_id: str) -> str:
        if self.error:
            raise self.error
        receipt_id = f"receipt-{len(self.kept)}"
        self.kept[receipt_id] = Receipt(receipt_id, kind, 1_750_000_000_000, None, None, 0, ())
        return receipt_id

    async def withdraw(self, receipt_id: str) -> None:
        del self.kept[receipt_id]

    async def receipt(self, receipt_id: str) -> Receipt | None:
        return self.kept.get(receipt_id)


def catalogue_of(*item_ids: str) -> Catalogue:
    """A loaded catalogue; the first item has the highest first number in its vector."""
    catalogue = Catalogue()
    vectors = np.zeros((len(item_ids), VECTOR_SIZE), np.float32)
    vectors[:, 0] = np.arange(len(item_ids), 0, -1)
    catalogue.replace_vectors(item_ids, vectors)
    catalogue.wanted.clear()
    catalogue.loaded = True
    return catalogue


@dataclass
class World:
    """What surrounds the API in one test."""

    users: FakeUsers = field(default_factory=FakeUsers)
    ranker: FakeRanker = field(default_factory=FakeRanker)
    user_encoder: FakeUserEncoder = field(default_factory=FakeUserEncoder)
    queries: FakeQueries = field(default_factory=FakeQueries)
    catalogue: Catalogue = field(default_factory=lambda: catalogue_of("a", "b", "c"))
    bus: FakeBus = field(default_factory=FakeBus)
    rankings: FakeRankings = field(default_factory=FakeRankings)
    checks: dict[str, Check] = field(default_factory=dict)
    pages: FakePages = field(default_factory=FakePages)
    receipts: FakeReceipts = field(default_factory=FakeReceipts)
    surfaces: Surfaces = field(default_factory=load)
    settings: ServingSettings = field(default_factory=ServingSettings)
    in_use: Model = MODEL
    guards: Guards = field(default_factory=lambda: Guards(last_known=LastKnown(10)))

    def model(self) -> Model:
        return self.in_use

    @asynccontextmanager
    async def neighbours(self) -> AsyncIterator[Neighbours]:
        retrieval = Retrieval(self.catalogue, self.model, self.settings.exact_search_items)
        seams = (self.catalogue, self.bus, self.rankings, self.checks, retrieval)
        slates = (ServedLists(self.pages), self.receipts, self.surfaces, self.guards)
        try:
            await retrieval.refresh()
            asked = self.users, self.ranker, self.user_encoder, self.queries
            yield Neighbours(*asked, self.model, *seams, *slates)
        finally:
            retrieval.close()


@contextmanager
def api(world: World) -> Iterator[TestClient]:
    """A client of an API in this world."""
    with TestClient(create_app(world.settings, world.neighbours), raise_server_exceptions=False) as client:
        yield client
