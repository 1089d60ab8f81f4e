"""An item -> items like it: met by the same users, of like texts, near by their vectors; one order made of these."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.unit import directed
from serving.acceptance import Acceptance
from serving.answer import Ranking, ScoredItem, places, ranking
from serving.budget import Budget
from serving.candidates import matching
from serving.candidates.fuse import Fused, fuse
from serving.candidates.gather import Accept
from serving.candidates.timely import dropped, timely
from serving.candidates.together import nearest_to
from serving.catalogue import Candidates, Catalogue
from serving.errors import NotKnown
from serving.neighbours import Neighbours
from serving.request import LONGEST_FILTER, MOST_EXCLUDED, ItemId
from serving.slate.run import Change
from serving.slating import Plan, plan, slate
from streaming.events import Id

Array = npt.NDArray[Any]
SEARCH = 0.7  # of what is left of a request's time
NO_VECTOR = "item: no vector yet"
NO_ACTIVITY: Mapping[str, Any] = {}


class SimilarRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items like which one."""

    item_id: Id
    k: Annotated[int, msgspec.Meta(ge=1)] = 10
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    surface: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    filter: Annotated[str, msgspec.Meta(max_length=LONGEST_FILTER)] | None = None
    exclude: Annotated[list[ItemId], msgspec.Meta(max_length=MOST_EXCLUDED)] = []
    deadline_ms: Annotated[int, msgspec.Meta(ge=1)] | None = None


async def similar(
    asked: SimilarRequest, neighbours: Neighbours, now_ms: int, budget: Budget, dry_run: bool = False
) -> Ranking:
    """The items most like one. Raises InvalidRequest, or NotKnown for an item that nobody knows."""
    model, catalogue = neighbours.model(), neighbours.catalogue
    row = catalogue.table.index.get(asked.item_id, -1)
    if row < 0:
        catalogue.want([asked.item_id])
        raise NotKnown(
            f"there is no item {asked.item_id!r}; one that was just published is found in a second", "item_id"
        )
    planned = plan("similar", asked, neighbours.surfaces, catalogue, dry_run=dry_run)
    accept, started = Acceptance(planned, catalogue.table, NO_ACTIVITY, now_ms), time.perf_counter()
    answers = await _orders(row, asked, planned, accept, neighbours, budget)
    orders = {name: rows[accept(rows) & (rows != row)] for name, rows in answers.items() if not isinstance(rows, str)}
    degraded = dropped(answers)
    if not catalogue.table.column("item_vectors")[row].any():
        degraded.append(NO_VECTOR)
    found = time.perf_counter()
    items, changes = page(fuse(orders), planned, accept, catalogue, now_ms)
    took_ms = {"candidates": (found - started) * 1000, "slate": (time.perf_counter() - found) * 1000}
    took_ms |= {"total": budget.spent()}
    return ranking(model.model_version, items, took_ms, degraded, changes=changes)


async def _orders(
    row: int, asked: SimilarRequest, planned: Plan, accept: Accept, neighbours: Neighbours, budget: Budget
) -> dict[str, Array | str]:
    """Rows by company and by vectors; each search in a thread where it takes long."""
    retrieval, table = neighbours.retrieval, neighbours.catalogue.table
    within = retrieval.within(neighbours.model())
    count = 2 * (asked.offset + asked.k) + len(asked.exclude) + 1
    ends = asyncio.get_running_loop().time() + budget.share(SEARCH)
    slow = retrieval.threads if within.nearest.slow else None
    company = timely("together", partial(nearest_to, np.array([row]), within, count), ends, slow)
    near = near_vectors("similar", table.column("item_vectors")[row], count, planned, accept, neighbours, ends)
    found = await asyncio.gather(company, near)
    return dict(zip(("together", "similar"), found, strict=True))


async def near_vectors(
    name: str, vector: Array, count: int, planned: Plan, accept: Accept, neighbours: Neighbours, ends: float
) -> Array | str:
    """The nearest rows to a vector [VECTOR_SIZE]; of all that a filter holds for, where there is one."""
    retrieval, table, direction = neighbours.retrieval, neighbours.catalogue.table, directed(vector)
    if direction is None:
        return np.zeros(0, np.int64)
    if planned.filters:
        slow = retrieval.threads if len(table) > matching.AT_ONCE else None
        return await timely(name, partial(matching.nearest, table, direction, count, accept), ends, slow)
    slow = retrieval.threads if retrieval.nearest.slow else None
    return await timely(name, lambda: retrieval.nearest.search(direction, count).rows, ends, slow)


def page(
    found: Fused,
    planned: Plan,
    accept: Acceptance,
    catalogue: Catalogue,
    now_ms: int,
    activity: Mapping[str, Any] = NO_ACTIVITY,
) -> tuple[list[ScoredItem], list[Change] | None]:
    """What the stages of the surface leave of a fused order, one page of it; in a dry run also what they changed."""
    ids = catalogue.table.ids
    candidates = Candidates([ids[row] for row in found.rows.tolist()], found.rows, [], [])
    left = slate(planned, found.scores, found.rows, catalogue.table, now_ms, activity)
    items = places(candidates, found.scores, left.places, planned.k, planned.offset, found.sources)
    return items, accept.told(left.changes) if planned.dry_run else None
