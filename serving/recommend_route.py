"""POST /v1/recommend"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Request, Response

from feature_repo.pseudonym import shown
from serving.answer import Ranking
from serving.as_json import as_json
from serving.body import decode, read
from serving.dry_run import dry_run
from serving.metrics import Metrics
from serving.paging import budget_of, check_page
from serving.rank_route import line, observe
from serving.recommending import recommend
from serving.request import RecommendRequest, check
from serving.settings import ServingSettings

_decoder = msgspec.json.Decoder(RecommendRequest)


async def recommend_items(request: Request) -> Response:
    """The best items of the whole catalogue for a user."""
    state = request.state
    asked = decode(_decoder, await read(request, state.settings.max_body_bytes))
    check_recommend(asked, state.settings)
    budget = budget_of(asked, state.settings)
    ranking, activity = await recommend(
        asked, state.neighbours, state.settings, time.time_ns() // 1_000_000, budget, dry_run(request)
    )
    observe_recommended(state.metrics, ranking, asked.key, activity)
    state.line = line(shown(asked.key, state.settings.salt), ranking, len(ranking.items))
    return as_json(ranking)


def observe_recommended(metrics: Metrics, ranking: Ranking, key: str, activity: Mapping[str, Any]) -> None:
    """Count what a recommendation took and lacked, and where its items came from."""
    observe(metrics, ranking)
    metrics.freshness.see(key, activity)
    for source, count in Counter(item.source for item in ranking.items).items():
        metrics.recommended.labels(source).inc(count)


def check_recommend(asked: RecommendRequest, settings: ServingSettings) -> None:
    """Raise InvalidRequest or TooLarge where the request is over a limit."""
    check(asked)
    check_page(asked, settings)
