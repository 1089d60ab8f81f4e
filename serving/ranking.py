"""A rank request -> scores -> the ranking, said and logged: the whole path, two neighbours asked once each."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from feature_repo.served import Page
from serving.answer import Ranking, places, ranking
from serving.budget import Budget
from serving.catalogue import Candidates
from serving.explain.explain import explain
from serving.knowing import know
from serving.neighbours import Neighbours
from serving.ranking_log import Answered
from serving.request import RankRequest
from serving.scoring import Scored, score
from serving.served_lists import NOTHING_KNOWN, Remembered
from serving.slate.run import Change
from serving.slating import Plan, plan, slate


class Answer(NamedTuple):
    """A ranking and the row of ``user_activity`` it is based on."""

    ranking: Ranking
    activity: Mapping[str, Any] = {}


async def rank(
    asked: RankRequest, neighbours: Neighbours, now_ms: int, budget: Budget, dry_run: bool = False
) -> Answer:
    """Rank the items for the user. Raises InvalidRequest."""
    model, table = neighbours.model(), neighbours.catalogue.table
    planned = plan("rank", asked, neighbours.surfaces, neighbours.catalogue, asked.diversity, asked.explain, dry_run)
    reading = asyncio.ensure_future(know(asked.key, neighbours, budget))
    await asyncio.sleep(0)  # the question leaves; the items are looked up while the answer is on its way
    candidates = neighbours.catalogue.candidates(_wanted(asked))
    unscored = not planned.filters  # of an unknown item no filter can tell whether it holds
    if not candidates.ids:
        items = places(candidates, candidates.rows, candidates.rows, asked.k, asked.offset, unscored=unscored)
        changes: list[Change] | None = [] if dry_run else None
        return Answer(ranking(model.model_version, items, {"total": budget.spent()}, (), candidates, changes))
    recalling = recall(planned, asked.key, neighbours, budget)
    scored = await score(asked.key, candidates, neighbours, now_ms, asked.context, budget, reading)
    remembered = await recalling if recalling else NOTHING_KNOWN
    started = time.perf_counter()
    left = slate(planned, scored.scores, candidates.rows, table, now_ms, scored.user.activity, remembered)
    items = places(candidates, scored.scores, left.places, asked.k, asked.offset, unscored=unscored)
    took_ms = scored.took_ms | {"slate": (time.perf_counter() - started) * 1000}
    degraded, changes = [*scored.degraded, *remembered.degraded], left.changes if dry_run else None
    if asked.explain:
        items, lacking, took = await explain(items, scored, candidates, neighbours, now_ms, budget, left.changes)
        degraded, took_ms = [*degraded, *lacking], took_ms | took
    took_ms["total"] = budget.spent()
    answer = ranking(scored.model.model_version, items, took_ms, degraded, candidates, changes)
    keep(planned, neighbours, answer, asked.key, now_ms, candidates, scored)
    return Answer(answer, scored.user.activity)


def recall(planned: Plan, key: str, neighbours: Neighbours, budget: Budget) -> asyncio.Future[Remembered] | None:
    """Ask what the user was served, where a stage looks at it."""
    if not planned.remembers:
        return None
    away = neighbours.guards.online_store.breaker.open  # the same Redis: who reads the user tries it
    return asyncio.ensure_future(neighbours.served.recall(key, budget, away))


def keep(
    planned: Plan,
    neighbours: Neighbours,
    answer: Ranking,
    key: str,
    now_ms: int,
    candidates: Candidates,
    scored: Scored,
) -> None:
    """Have an answer logged, and remembered where a stage looks at it, but for a dry run: once it has left."""

    def keep_it() -> None:
        page = [place.item_id for place in answer.items]
        seen = (key, now_ms, candidates.ids, scored.scores, scored.inputs, scored.user, scored.items, scored.context)
        neighbours.rankings.put(Answered(answer.request_id, answer.model_version, page, *seen, answer.degraded))
        if planned.remembers:
            neighbours.served.remember(key, Page(now_ms, planned.offset, page))

    if not planned.dry_run:
        asyncio.get_running_loop().call_soon(keep_it)


def _wanted(asked: RankRequest) -> list[str]:
    if not asked.exclude:
        return asked.items
    excluded = frozenset(asked.exclude)
    return [item_id for item_id in asked.items if item_id not in excluded]
