"""A user -> candidates from the whole catalogue -> scores -> the ranking, said and logged."""

import time

from serving.answer import places, ranking
from serving.budget import Budget
from serving.catalogue import Candidates
from serving.explain.explain import explain
from serving.finding import Found, find
from serving.neighbours import Neighbours
from serving.ranking import Answer, keep
from serving.request import RecommendRequest
from serving.scoring import score
from serving.settings import ServingSettings
from serving.slating import Plan, plan, slate


async def recommend(
    asked: RecommendRequest,
    neighbours: Neighbours,
    settings: ServingSettings,
    now_ms: int,
    budget: Budget,
    dry_run: bool = False,
) -> Answer:
    """The best of the catalogue for a user. Raises InvalidRequest."""
    planned = plan(
        "recommend", asked, neighbours.surfaces, neighbours.catalogue, asked.diversity, asked.explain, dry_run
    )
    found = await find(asked, planned, neighbours, settings, now_ms, budget)
    if len(found.rows):
        return await _ranked(asked, planned, found, neighbours, now_ms, budget)
    took_ms = found.took_ms | {"total": budget.spent()}
    nothing = ranking(neighbours.model().model_version, [], took_ms, found.degraded, changes=[] if dry_run else None)
    return Answer(nothing, found.known.user.activity)


async def _ranked(
    asked: RecommendRequest, planned: Plan, found: Found, neighbours: Neighbours, now_ms: int, budget: Budget
) -> Answer:
    table, activity = neighbours.catalogue.table, found.known.user.activity
    candidates = Candidates([table.ids[row] for row in found.rows.tolist()], found.rows, [], [])
    scored = await score(asked.key, candidates, neighbours, now_ms, found.context, budget, found.known, found.inputs)
    started = time.perf_counter()
    left = slate(planned, scored.scores, candidates.rows, table, now_ms, activity, found.remembered)
    items = places(candidates, scored.scores, left.places, asked.k, asked.offset, found.sources)
    took_ms = scored.took_ms | found.took_ms | {"slate": (time.perf_counter() - started) * 1000}
    degraded = [*found.degraded, *(what for what in scored.degraded if what not in found.degraded)]
    if asked.explain:
        items, lacking, took = await explain(items, scored, candidates, neighbours, now_ms, budget, left.changes)
        degraded, took_ms = [*degraded, *lacking], {**took_ms, **took}
    took_ms["total"] = budget.spent()
    changes = found.acceptance.told(left.changes) if planned.dry_run else None
    answer = ranking(scored.model.model_version, items, took_ms, degraded, changes=changes)
    keep(planned, neighbours, answer, asked.key, now_ms, candidates, scored)
    return Answer(answer, activity)
