"""A user -> candidates from the whole catalogue -> scores -> the ranking, said and logged."""

import asyncio
import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.context import Context, query_text, without_query
from serving.answer import places, ranking
from serving.budget import Budget
from serving.candidates.asked import Asked
from serving.candidates.gather import Accept, Gathered, Limits, gather
from serving.candidates.met import met
from serving.candidates.retrieval import SOURCES
from serving.catalogue import Candidates, Catalogue
from serving.explain.explain import explain
from serving.knowing import know
from serving.models import Model
from serving.neighbours import Neighbours
from serving.ranking import Answer, keep, recall
from serving.request import RecommendRequest
from serving.scoring import QUERY_LOST, encoded, score
from serving.served_lists import NOTHING_KNOWN
from serving.settings import ServingSettings
from serving.slating import Plan, plan, slate
from serving.user_features import UserRows

Array = npt.NDArray[Any]
SEARCH = 0.4  # of what is left of a request's time, at most ``candidates_timeout_ms``


class Typed(NamedTuple):
    """What the user typed, as far as it could be encoded."""

    context: Context  # without the query where that was lost
    vector: Array | None  # [VECTOR_SIZE]
    lost: tuple[str, ...]


async def recommend(
    asked: RecommendRequest,
    neighbours: Neighbours,
    settings: ServingSettings,
    now_ms: int,
    budget: Budget,
    dry_run: bool = False,
) -> Answer:
    """The best of the catalogue for a user. Raises NoModel, InvalidRequest."""
    model, table, started = neighbours.model(), neighbours.catalogue.table, time.perf_counter()
    planned = plan("recommend", asked, neighbours.surfaces, table, asked.diversity, asked.explain, dry_run)
    recalling = recall(planned, asked.key, neighbours, budget)
    known, typed = await asyncio.gather(
        know(asked.key, neighbours, budget), _typed(asked.context, model, neighbours, budget)
    )
    read = time.perf_counter()
    remembered = await recalling if recalling else NOTHING_KNOWN
    found = await _candidates(asked, planned, known.user, typed.vector, model, neighbours, settings, now_ms, budget)
    took_ms = {"features": (read - started) * 1000, "candidates": (time.perf_counter() - read) * 1000}
    degraded = [*known.degraded, *typed.lost, *remembered.degraded, *found.dropped]
    if not len(found.rows):
        took_ms |= {"total": budget.spent()}
        nothing = ranking(model.model_version, [], took_ms, degraded, changes=[] if dry_run else None)
        return Answer(nothing, known.user.activity)
    candidates = _named(neighbours.catalogue, found.rows)
    scored = await score(asked.key, candidates, neighbours, now_ms, typed.context, budget, known)
    scored_at = time.perf_counter()
    left = slate(planned, scored.scores, candidates.rows, table, now_ms, known.user.activity, remembered)
    items = places(candidates, scored.scores, left.places, asked.k, asked.offset, found.sources)
    slate_ms = (time.perf_counter() - scored_at) * 1000
    took_ms |= {**scored.took_ms, "features": took_ms["features"], "slate": slate_ms}
    degraded += [what for what in scored.degraded if what not in degraded]
    if asked.explain:
        items, lacking, took = await explain(items, scored, candidates, neighbours, now_ms, budget, left.changes)
        degraded, took_ms = [*degraded, *lacking], took_ms | took
    took_ms["total"] = budget.spent()
    changes = left.changes if dry_run else None
    answer = ranking(scored.model.model_version, items, took_ms, degraded, changes=changes)
    keep(planned, neighbours, answer, asked.key, now_ms, candidates, scored)
    return Answer(answer, known.user.activity)


async def _typed(context: Context, model: Model, neighbours: Neighbours, budget: Budget) -> Typed:
    query = query_text(context)
    if not query:
        return Typed(context, None, ())
    vector = await encoded(query, model, neighbours, budget)
    return Typed(without_query(context), None, (QUERY_LOST,)) if vector is None else Typed(context, vector, ())


async def _candidates(
    asked: RecommendRequest,
    planned: Plan,
    user: UserRows,
    query: Array | None,
    model: Model,
    neighbours: Neighbours,
    settings: ServingSettings,
    now_ms: int,
    budget: Budget,
) -> Gathered:
    retrieval, table = neighbours.retrieval, neighbours.catalogue.table
    who = Asked(retrieval.within(model), met(user.activity, table, now_ms), now_ms, query)
    seconds = min(budget.share(SEARCH), settings.candidates_timeout_ms / 1000)
    size = candidate_count(asked.offset + asked.k, settings.recommend_candidates)
    limits = Limits(size, settings.quotas, seconds, len(who.met.rows) + len(asked.exclude))
    accept = acceptance(asked, neighbours.catalogue)
    found = await gather(
        who, SOURCES, limits, lambda rows: planned.accepts(table, rows, now_ms) & accept(rows), retrieval.threads
    )
    return pinned(found, table.rows(planned.pinned), accept)


def pinned(found: Gathered, rows: Array, accept: Accept) -> Gathered:
    """The same with these rows of the table, which a surface pins, where they may be candidates."""
    added = rows[(rows >= 0) & ~np.isin(rows, found.rows)]
    if not len(added):
        return found
    added = added[accept(added)]
    return found._replace(rows=np.concatenate([found.rows, added]), sources=[*found.sources, *["pinned"] * len(added)])


def acceptance(asked: RecommendRequest, catalogue: Catalogue) -> Accept:
    """What may be a candidate at all: what has a vector, is not hidden and not excluded by the request."""
    table = catalogue.table
    excluded = table.rows(asked.exclude)
    return lambda rows: table.rankable(rows) & ~np.isin(rows, excluded)


def candidate_count(end: int, least: int) -> int:
    """How many candidates a page that ends at this place wants: twice as many, in doublings of ``least``.

    So the pages of one list mostly have the same candidates.
    """
    count = least
    while count < 2 * end:
        count *= 2
    return count


def _named(catalogue: Catalogue, rows: Array) -> Candidates:
    ids = catalogue.table.ids
    return Candidates([ids[row] for row in rows.tolist()], rows, [], [])
