"""POST /v1/rank"""

import time

import msgspec
from fastapi import Request, Response

from serving.body import decode, read
from serving.errors import InvalidRequest, TooLarge
from serving.metrics import Metrics
from serving.ranking import RankRequest, Timings, rank
from serving.settings import ServingSettings

_decoder = msgspec.json.Decoder(RankRequest)
_encode = msgspec.json.Encoder().encode


async def rank_items(request: Request) -> Response:
    """Order a user's candidate items."""
    state = request.state
    asked = decode(_decoder, await read(request, state.settings.max_body_bytes))
    _check(asked, state.settings)
    ranking, timings, activity, lost = await rank(asked, state.neighbours, time.time_ns() // 1_000_000)
    _observe(state.metrics, asked, timings)
    state.metrics.freshness.see(asked.key, activity)
    state.line = _line(asked, timings) + " query=lost" * lost
    return Response(_encode(ranking), media_type="application/json")


def _check(asked: RankRequest, settings: ServingSettings) -> None:
    if asked.user_id is None and asked.session_id is None:
        raise InvalidRequest("a ranking needs a `user_id` or a `session_id`", "user_id")
    if len(asked.items) > settings.max_candidates:
        limit = f"{len(asked.items)} items given, at most {settings.max_candidates} can be ranked at once"
        raise TooLarge(limit, "items")


def _observe(metrics: Metrics, asked: RankRequest, timings: Timings) -> None:
    metrics.candidates.observe(len(asked.items))
    for stage, seconds in zip(metrics.stages, timings, strict=True):
        stage.observe(seconds)


def _line(asked: RankRequest, timings: Timings) -> str:
    features, inputs, triton = (seconds * 1000 for seconds in timings)
    sizes = f" user={asked.key!r} items={len(asked.items)}"
    return f"{sizes} features={features:.2f}ms inputs={inputs:.2f}ms triton={triton:.2f}ms"
