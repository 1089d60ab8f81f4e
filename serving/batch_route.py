"""POST /v1/batch"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import msgspec
from fastapi import Request, Response

from serving.answer import Ranking
from serving.as_json import as_json
from serving.body import decode, read
from serving.errors import InvalidRequest, TooLarge
from serving.paging import budget_of
from serving.recommend_route import check_recommend, observe_recommended
from serving.recommending import recommend
from serving.request import RecommendRequest
from serving.settings import ServingSettings

AT_ONCE = 4  # recommendations of one call under way: its neighbours answer others too


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recommendations of many users; each is a request of its own, with its own deadline."""

    requests: list[RecommendRequest]


class BatchAnswer(msgspec.Struct, frozen=True):
    """The rankings in the order of the requests; ``degraded`` is what any of them lacked."""

    request_id: str
    model_version: str
    degraded: list[str]
    took_ms: dict[str, float]
    rankings: list[Ranking]


_decoder = msgspec.json.Decoder(BatchRequest)


async def recommend_batch(request: Request) -> Response:
    """Recommendations for many users in one call."""
    state, started = request.state, time.perf_counter()
    asked = decode(_decoder, await read(request, state.settings.max_body_bytes)).requests
    _check(asked, state.settings)
    version = state.neighbours.model().model_version
    turns = asyncio.Semaphore(AT_ONCE)
    rankings = await asyncio.gather(*(_one(place, each, turns, state) for place, each in enumerate(asked)))
    degraded = sorted({what for ranking in rankings for what in ranking.degraded})
    took_ms = {"total": round((time.perf_counter() - started) * 1000, 3)}
    answer = BatchAnswer(uuid4().hex, version, degraded, took_ms, rankings)
    state.line = f" users={len(asked)} total={took_ms['total']:.2f}ms"
    return as_json(answer)


async def _one(place: int, asked: RecommendRequest, turns: asyncio.Semaphore, state: Any) -> Ranking:
    async with turns:
        budget = budget_of(asked, state.settings)
        with _at(place):
            ranking, activity = await recommend(
                asked, state.neighbours, state.settings, time.time_ns() // 1_000_000, budget
            )
    observe_recommended(state.metrics, ranking, asked.key, activity)
    return ranking


def _check(asked: list[RecommendRequest], settings: ServingSettings) -> None:
    if len(asked) > settings.max_batch_users:
        raise TooLarge(f"{len(asked)} requests given, at most {settings.max_batch_users} in one call", "requests")
    for place, each in enumerate(asked):
        with _at(place):
            check_recommend(each, settings)


@contextmanager
def _at(place: int) -> Iterator[None]:
    """What is refused of one request is named by its place in the call."""
    try:
        yield
    except (InvalidRequest, TooLarge) as error:
        raise type(error)(str(error), f"requests[{place}].{error.field}") from error
