"""POST /v1/rank"""

import asyncio
import time

import msgspec
from fastapi import Request, Response
from starlette.datastructures import State

from feature_repo.pseudonym import shown
from serving.answer import Ranking
from serving.as_json import as_json
from serving.body import decode, read
from serving.dry_run import dry_run
from serving.errors import TooLarge
from serving.metrics import Metrics
from serving.paging import budget_of, check_deadline
from serving.ranking import Answer, rank
from serving.request import RankRequest, check
from serving.settings import ServingSettings

_decoder = msgspec.json.Decoder(RankRequest)


async def rank_items(request: Request) -> Response:
    """Order a user's candidate items."""
    state = request.state
    asked = decode(_decoder, await read(request, state.settings.max_body_bytes))
    _check(asked, state.settings)
    budget = budget_of(asked, state.settings)
    answer = await rank(asked, state.neighbours, time.time_ns() // 1_000_000, budget, dry_run(request))
    asyncio.get_running_loop().call_soon(_note, state, asked, answer)  # once the answer has left
    return as_json(answer.ranking)


def _note(state: State, asked: RankRequest, answer: Answer) -> None:
    ranking, activity = answer
    state.metrics.candidates.observe(len(asked.items))
    observe(state.metrics, ranking)
    state.metrics.freshness.see(asked.key, activity)
    state.line = line(shown(asked.key, state.settings.salt), ranking, len(asked.items))


def observe(metrics: Metrics, ranking: Ranking) -> None:
    """Count what a ranking took and lacked."""
    for what in ranking.degraded:
        metrics.degraded.labels(what).inc()
    for stage, milliseconds in ranking.took_ms.items():
        metrics.stage(stage).observe(milliseconds / 1000)


def line(key: str, ranking: Ranking, items: int) -> str:
    """What the log says of a ranking."""
    stages = " ".join(f"{stage}={milliseconds:.2f}ms" for stage, milliseconds in ranking.took_ms.items())
    degraded = f" degraded={ranking.degraded}" if ranking.degraded else ""
    return f" user={key!r} items={items} {stages}{degraded}"


def _check(asked: RankRequest, settings: ServingSettings) -> None:
    check(asked)
    check_deadline(asked, settings)
    if len(asked.items) > settings.max_candidates:
        limit = f"{len(asked.items)} items given, at most {settings.max_candidates} can be ranked at once"
        raise TooLarge(limit, "items")
