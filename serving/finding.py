"""A recommend request -> what is known of the user and what was typed -> candidates from the whole catalogue."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.context import Context, query_text, without_query
from serving.acceptance import Acceptance
from serving.aiming import aim
from serving.budget import Budget
from serving.candidates import matching
from serving.candidates.asked import Asked
from serving.candidates.gather import Accept, Gathered, Limits, gather
from serving.candidates.met import met
from serving.candidates.retrieval import SOURCES
from serving.candidates.timely import dropped, timely
from serving.knowing import Known, know
from serving.models import Model
from serving.neighbours import Neighbours
from serving.ranking import recall
from serving.request import RecommendRequest
from serving.scoring import QUERY_LOST, encoded
from serving.served_lists import NOTHING_KNOWN, Remembered
from serving.settings import ServingSettings
from serving.slating import Plan

Array = npt.NDArray[Any]
MOST_SPARE = 1000  # rows asked of each source for what a request excludes
SEARCH = 0.4  # of what is left of a request's time, at most ``candidates_timeout_ms``


class Typed(NamedTuple):
    """What the user typed, as far as it could be encoded."""

    context: Context  # without the query where that was lost
    vector: Array | None  # [VECTOR_SIZE]
    lost: tuple[str, ...]


class Found(NamedTuple):
    """Candidates and what they were found with."""

    rows: Array  # [n] of the item table
    sources: list[str]  # [n]
    known: Known
    context: Context
    remembered: Remembered
    acceptance: Acceptance
    degraded: list[str]
    took_ms: dict[str, float]
    inputs: Mapping[str, Array] | None  # the user's tensors, where the user encoder read them


async def find(
    asked: RecommendRequest,
    planned: Plan,
    neighbours: Neighbours,
    settings: ServingSettings,
    now_ms: int,
    budget: Budget,
) -> Found:
    """Read the user, encode the query, gather."""
    model, started = neighbours.model(), time.perf_counter()
    recalling = recall(planned, asked.key, neighbours, budget)
    reading = know(asked.key, neighbours, budget), _typed(asked.said, model, neighbours, budget)
    known, typed = await asyncio.gather(*reading)
    remembered = await recalling if recalling else NOTHING_KNOWN
    read = time.perf_counter()
    table, activity = neighbours.catalogue.table, known.user.activity
    history = met(activity, table, now_ms)
    aimed = await aim(known.user, history, typed.context, typed.vector, model, neighbours, now_ms, budget)
    ready = time.perf_counter()
    who = Asked(neighbours.retrieval.within(model), history, now_ms, aimed.direction, typed.vector)
    accept = Acceptance(planned, table, activity, now_ms)
    gathered = await _gathered(who, planned, accept, neighbours, settings, budget)
    rows, sources, lost = pinned(gathered, table.rows(planned.pinned), accept)
    degraded = [*known.degraded, *typed.lost, *remembered.degraded, *aimed.degraded, *lost]
    took = {"features": read - started, "user_vector": ready - read, "candidates": time.perf_counter() - ready}
    took_ms = {stage: seconds * 1000 for stage, seconds in took.items()}
    return Found(rows, sources, known, typed.context, remembered, accept, degraded, took_ms, aimed.inputs)


async def _typed(context: Context, model: Model, neighbours: Neighbours, budget: Budget) -> Typed:
    query = query_text(context)
    if not query:
        return Typed(context, None, ())
    vector = await encoded(query, model, neighbours, budget)
    return Typed(without_query(context), None, (QUERY_LOST,)) if vector is None else Typed(context, vector, ())


async def _gathered(
    who: Asked, planned: Plan, accept: Accept, neighbours: Neighbours, settings: ServingSettings, budget: Budget
) -> Gathered:
    """What the sources found; where a filter or ``exclude`` leaves too little of that, the whole catalogue is asked."""
    seconds = min(budget.share(SEARCH), settings.candidates_timeout_ms / 1000)
    ends = asyncio.get_running_loop().time() + seconds
    end = planned.offset + (planned.k or 0)
    size = candidate_count(end, settings.recommend_candidates)
    limits = Limits(size, settings.quotas, seconds, len(who.met.rows) + min(len(planned.exclude), MOST_SPARE))
    found = await gather(who, SOURCES, limits, accept, neighbours.retrieval.threads)
    if len(found.rows) >= (max(2 * end, size // 4) if planned.filters else end):
        return found
    threads = neighbours.retrieval.threads if len(who.within.table) > matching.AT_ONCE else None
    more = await timely(matching.NAME, lambda: matching.find(who, size, accept), ends, threads)
    if isinstance(more, str):
        return found._replace(dropped=found.dropped + dropped({matching.NAME: more}))
    return added(found, more, matching.NAME, size)


def added(found: Gathered, rows: Array, source: str, size: int) -> Gathered:
    """The same with further rows, up to ``size``."""
    new = rows[~np.isin(rows, found.rows)][: max(size - len(found.rows), 0)]
    return found._replace(rows=np.concatenate([found.rows, new]), sources=[*found.sources, *[source] * len(new)])


def pinned(found: Gathered, rows: Array, accept: Accept) -> Gathered:
    """The same with these rows of the table, -1 where unknown, which a surface pins, where they may be candidates."""
    known = rows[rows >= 0]
    return added(found, known[accept(known)], "pinned", len(found.rows) + len(known)) if len(known) else found


def candidate_count(end: int, least: int) -> int:
    """How many candidates a page that ends at this place wants: twice as many, in doublings of ``least``.

    So the pages of one list mostly have the same candidates.
    """
    count = least
    while count < 2 * end:
        count *= 2
    return count
