"""An item -> items like it: met by the same users, of like texts, near by their vectors; one order made of these."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from serving.answer import Ranking, ScoredItem, places, ranking
from serving.budget import Budget
from serving.candidates.asked import Within
from serving.candidates.fuse import Fused, fuse
from serving.candidates.timely import dropped, timely
from serving.candidates.together import nearest_to
from serving.candidates.user_vector import unit
from serving.catalogue import Candidates, Catalogue
from serving.errors import NotKnown
from serving.neighbours import Neighbours
from serving.request import LONGEST_FILTER, MOST_EXCLUDED
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
    exclude: Annotated[list[str], msgspec.Meta(max_length=MOST_EXCLUDED)] = []
    deadline_ms: Annotated[int, msgspec.Meta(ge=1)] | None = None


async def similar(asked: SimilarRequest, neighbours: Neighbours, now_ms: int, budget: Budget) -> Ranking:
    """The items most like one. Raises NoModel, InvalidRequest, or NotKnown for an item that nobody knows."""
    model, catalogue = neighbours.model(), neighbours.catalogue
    row = catalogue.table.index.get(asked.item_id, -1)
    if row < 0:
        catalogue.want([asked.item_id])
        raise NotKnown(
            f"there is no item {asked.item_id!r}; one that was just published is found in a second", "item_id"
        )
    planned = plan("similar", asked, neighbours.surfaces, catalogue.table)
    count = asked.offset + asked.k + len(asked.exclude) + 1
    retrieval = neighbours.retrieval
    answers = await _orders(row, retrieval.within(model), count, budget, retrieval)
    excluded = catalogue.table.rows([*asked.exclude, asked.item_id])
    orders = {
        name: _allowed(rows, excluded, planned, catalogue, now_ms)
        for name, rows in answers.items()
        if not isinstance(rows, str)
    }
    degraded = dropped(answers)
    if not catalogue.table.column("item_encoded")[row]:
        degraded.append(NO_VECTOR)
    items = page(fuse(orders), planned, catalogue, now_ms)
    return ranking(model.model_version, items, {"total": budget.spent()}, degraded)


async def _orders(row: int, within: Within, count: int, budget: Budget, retrieval: Any) -> dict[str, Array | str]:
    ends = asyncio.get_running_loop().time() + budget.share(SEARCH)
    slow = retrieval.threads if within.nearest.slow else None
    finds = {
        "together": partial(nearest_to, np.array([row]), within, count),
        "similar": partial(_near, row, within, count),
    }
    found = await asyncio.gather(*(timely(name, find, ends, slow) for name, find in finds.items()))
    return dict(zip(finds, found, strict=True))


def _near(row: int, within: Within, count: int) -> Array:
    direction = unit(within.table.column("item_vectors")[row])
    return np.zeros(0, np.int64) if direction is None else within.nearest.search(direction, count).rows


def _allowed(rows: Array, excluded: Array, planned: Plan, catalogue: Catalogue, now_ms: int) -> Array:
    accepted = planned.accepts(catalogue.table, rows, now_ms)
    return rows[accepted & catalogue.table.rankable(rows) & ~np.isin(rows, excluded)]


def page(
    found: Fused, planned: Plan, catalogue: Catalogue, now_ms: int, activity: Mapping[str, Any] = NO_ACTIVITY
) -> list[ScoredItem]:
    """What the stages of the surface leave of a fused order, one page of it."""
    ids = catalogue.table.ids
    candidates = Candidates([ids[row] for row in found.rows.tolist()], found.rows, [], [])
    left = slate(planned, found.scores, found.rows, catalogue.table, now_ms, activity)
    return places(candidates, found.scores, left.places, planned.k, planned.offset, found.sources)
