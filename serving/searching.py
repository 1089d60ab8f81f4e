"""What somebody typed -> items, by the words of titles, by vectors, by what the user likes: one order of these."""

import asyncio
from functools import partial
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.context import QUERY, QUERY_LENGTH
from serving.answer import Ranking, ranking
from serving.budget import Budget
from serving.candidates.fuse import fuse
from serving.candidates.timely import dropped, timely
from serving.candidates.user_vector import unit
from serving.catalogue import Candidates
from serving.models import Model
from serving.neighbours import Neighbours
from serving.request import LONGEST_FILTER, MOST_EXCLUDED
from serving.scoring import QUERY_LOST, encoded, score
from serving.similar_items import page
from serving.slating import plan
from serving.user_features import UserRows
from streaming.events import Id, session_key

Array = npt.NDArray[Any]
SEARCH = 0.5  # of what is left of a request's time
LEAST = 100  # items found before they are put in order


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was typed; with a user, what they like counts too."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=4 * QUERY_LENGTH)]
    user_id: Id | None = None
    session_id: Id | None = None
    k: Annotated[int, msgspec.Meta(ge=1)] = 10
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    context: dict[str, Any] | None = None
    surface: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    filter: Annotated[str, msgspec.Meta(max_length=LONGEST_FILTER)] | None = None
    exclude: Annotated[list[str], msgspec.Meta(max_length=MOST_EXCLUDED)] = []
    deadline_ms: Annotated[int, msgspec.Meta(ge=1)] | None = None


async def search(asked: SearchRequest, neighbours: Neighbours, now_ms: int, budget: Budget) -> Ranking:
    """The items that suit a query. Raises NoModel, InvalidRequest."""
    model, table = neighbours.model(), neighbours.catalogue.table
    planned = plan("search", asked, neighbours.surfaces, table)
    answers, degraded = await _found(asked, model, neighbours, budget)
    excluded = table.rows(asked.exclude)
    orders = {
        name: rows[planned.accepts(table, rows, now_ms) & table.rankable(rows) & ~np.isin(rows, excluded)]
        for name, rows in answers.items()
        if not isinstance(rows, str)
    }
    degraded += dropped(answers)
    fused, user = fuse(orders), UserRows({}, {})
    if len(fused.rows) and (asked.user_id or asked.session_id):
        liked, lost, user = await _by_liking(fused.rows, asked, neighbours, now_ms, budget)
        fused = fuse(orders | {"liking": liked})
        degraded += [what for what in lost if what not in degraded]
    items = page(fused, planned, neighbours.catalogue, now_ms, user.activity)
    return ranking(model.model_version, items, {"total": budget.spent()}, degraded)


async def _found(
    asked: SearchRequest, model: Model, neighbours: Neighbours, budget: Budget
) -> tuple[dict[str, Array | str], list[str]]:
    """Rows by title and by vector, and what did not work."""
    retrieval, loop = neighbours.retrieval, asyncio.get_running_loop()
    count = max(LEAST, 2 * (asked.offset + asked.k)) + len(asked.exclude)
    ends = loop.time() + budget.share(SEARCH)
    by_title = asyncio.ensure_future(
        timely("title", partial(retrieval.titles.search, asked.query, count), ends, retrieval.threads)
    )
    vector = await encoded(" ".join(asked.query.split())[:QUERY_LENGTH], model, neighbours, budget)
    if vector is None or (direction := unit(vector)) is None:
        return {"title": await by_title}, [QUERY_LOST] * (vector is None)
    slow = retrieval.threads if retrieval.nearest.slow else None
    by_vector = await timely("query", lambda: retrieval.nearest.search(direction, count).rows, ends, slow)
    return {"title": await by_title, "query": by_vector}, []


async def _by_liking(
    rows: Array, asked: SearchRequest, neighbours: Neighbours, now_ms: int, budget: Budget
) -> tuple[Array, list[str], UserRows]:
    """The same rows as the ranker orders them for this user and query, and what is known of the user."""
    ids = neighbours.catalogue.table.ids
    candidates = Candidates([ids[row] for row in rows.tolist()], rows, [], [])
    context = (asked.context or {}) | {QUERY: asked.query}
    key = asked.user_id or session_key(asked.session_id)
    scored = await score(key, candidates, neighbours, now_ms, context, budget)
    return rows[np.argsort(-scored.scores, kind="stable")], scored.degraded, scored.user
