"""GET or POST /v1/similar"""

import time
from typing import Any

import msgspec
from fastapi import Request, Response

from serving.as_json import as_json
from serving.body import decode, read, refusal
from serving.dry_run import dry_run
from serving.paging import budget_of, check_page
from serving.rank_route import line, observe
from serving.similar_items import SimilarRequest, similar

_decoder = msgspec.json.Decoder(SimilarRequest)


async def similar_items(request: Request) -> Response:
    """Items like one item."""
    state = request.state
    body = request.method == "POST"
    asked = decode(_decoder, await read(request, state.settings.max_body_bytes)) if body else _of_query(request)
    check_page(asked, state.settings)
    budget = budget_of(asked, state.settings)
    ranking = await similar(asked, state.neighbours, time.time_ns() // 1_000_000, budget, dry_run(request))
    observe(state.metrics, ranking)
    state.line = line("", ranking, len(ranking.items))
    return as_json(ranking)


def _of_query(request: Request) -> SimilarRequest:
    """The request in the query of a URL; ``exclude`` may be there many times."""
    said: dict[str, Any] = {name: value for name, value in request.query_params.items() if name != "dry_run"}
    if "exclude" in said:
        said["exclude"] = request.query_params.getlist("exclude")
    try:
        return msgspec.convert(said, SimilarRequest, strict=False)
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from error
