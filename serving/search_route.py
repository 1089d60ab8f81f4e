"""POST /v1/search"""

import time

import msgspec
from fastapi import Request, Response

from feature_repo.pseudonym import shown
from serving.as_json import as_json
from serving.body import decode, read
from serving.dry_run import dry_run
from serving.paging import budget_of, check_page
from serving.rank_route import line, observe
from serving.searching import SearchRequest, search

_decoder = msgspec.json.Decoder(SearchRequest)


async def search_items(request: Request) -> Response:
    """Items that suit what somebody typed."""
    state = request.state
    asked = decode(_decoder, await read(request, state.settings.max_body_bytes))
    check_page(asked, state.settings)
    budget = budget_of(asked, state.settings)
    ranking, activity = await search(asked, state.neighbours, time.time_ns() // 1_000_000, budget, dry_run(request))
    observe(state.metrics, ranking)
    state.metrics.freshness.see(asked.key, activity)
    state.line = line(shown(asked.key, state.settings.salt), ranking, len(ranking.items))
    return as_json(ranking)
