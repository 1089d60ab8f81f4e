"""What somebody typed -> items, by the words of titles, by vectors, by what the user likes: one order of these."""

import asyncio
import time
from functools import partial
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.context import QUERY, QUERY_LENGTH
from serving.acceptance import Acceptance
from serving.answer import ranking
from serving.budget import Budget
from serving.candidates.fuse import fuse
from serving.candidates.gather import Accept
from serving.candidates.timely import dropped, timely
from serving.catalogue import Candidates
from serving.errors import InvalidRequest
from serving.models import Model
from serving.neighbours import Neighbours
from serving.ranking import Answer, keep
from serving.request import LONGEST_FILTER, LONGEST_QUERY, MOST_EXCLUDED, ItemId, Said
from serving.scoring import QUERY_LOST, encoded, score
from serving.similar_items import NO_ACTIVITY, near_vectors, page
from serving.slating import Plan, plan
from streaming.events import Id, session_key

Array = npt.NDArray[Any]
SEARCH = 0.5  # of what is left of a request's time
LEAST = 100  # items found before they are put in order
TITLES = 20  # times as many titles, where a filter leaves some of them alone


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was typed; with a user, what they like counts too."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_QUERY)]
    user_id: Id | None = None
    session_id: Id | None = None
    k: Annotated[int, msgspec.Meta(ge=1)] = 10
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    context: Said | None = None
    surface: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    filter: Annotated[str, msgspec.Meta(max_length=LONGEST_FILTER)] | None = None
    exclude: Annotated[list[ItemId], msgspec.Meta(max_length=MOST_EXCLUDED)] = []
    deadline_ms: Annotated[int, msgspec.Meta(ge=1)] | None = None

    @property
    def key(self) -> str:
        """Whose rows are read; empty where nobody was named."""
        return self.user_id or (session_key(self.session_id) if self.session_id else "")


async def search(
    asked: SearchRequest, neighbours: Neighbours, now_ms: int, budget: Budget, dry_run: bool = False
) -> Answer:
    """The items that suit a query. Raises InvalidRequest."""
    model, table = neighbours.model(), neighbours.catalogue.table
    query = " ".join(asked.query.split())[:QUERY_LENGTH]
    if not query:
        raise InvalidRequest("nothing but blanks was typed", "query")
    planned = plan("search", asked, neighbours.surfaces, neighbours.catalogue, dry_run=dry_run)
    accept, started = Acceptance(planned, table, NO_ACTIVITY, now_ms), time.perf_counter()
    answers, degraded = await _found(query, asked, planned, accept, model, neighbours, budget)
    orders = {name: rows[accept(rows)] for name, rows in answers.items() if not isinstance(rows, str)}
    degraded += dropped(answers)
    fused, took_ms = fuse(orders), {"candidates": (time.perf_counter() - started) * 1000}
    key = asked.key
    if not key or not len(fused.rows):
        items, changes = page(fused, planned, accept, neighbours.catalogue, now_ms)
        took_ms |= {"total": budget.spent()}
        return Answer(ranking(model.model_version, items, took_ms, degraded, changes=changes))
    candidates = Candidates([table.ids[row] for row in fused.rows.tolist()], fused.rows, [], [])
    context = (asked.context or {}) | {QUERY: query}
    scored = await score(key, candidates, neighbours, now_ms, context, budget)
    liked = fuse(orders | {"liking": fused.rows[np.argsort(-scored.scores, kind="stable")]})
    degraded += [what for what in scored.degraded if what not in degraded]
    items, changes = page(liked, planned, accept, neighbours.catalogue, now_ms, scored.user.activity)
    took_ms |= {**scored.took_ms, "total": budget.spent()}
    answer = ranking(scored.model.model_version, items, took_ms, degraded, changes=changes)
    keep(planned, neighbours, answer, key, now_ms, candidates, scored)
    return Answer(answer, scored.user.activity)


async def _found(
    query: str,
    asked: SearchRequest,
    planned: Plan,
    accept: Accept,
    model: Model,
    neighbours: Neighbours,
    budget: Budget,
) -> tuple[dict[str, Array | str], list[str]]:
    """Rows by title and by vector, and what did not work."""
    retrieval, loop = neighbours.retrieval, asyncio.get_running_loop()
    count = max(LEAST, 2 * (asked.offset + asked.k)) + len(asked.exclude)
    seconds = budget.share(SEARCH)
    ends = loop.time() + seconds
    titled = partial(retrieval.titles.search, query, count * TITLES if planned.filters else count, seconds)
    by_title = asyncio.ensure_future(timely("title", titled, ends, retrieval.threads))
    vector = await encoded(query, model, neighbours, budget)
    if vector is None:
        return {"title": await by_title}, [QUERY_LOST]
    by_vector = await near_vectors("query", vector, count, planned, accept, neighbours, ends)
    return {"title": await by_title, "query": by_vector}, []
