"""An item -> items like it: met by the same users, of like texts, near by their vectors; one order made of these."""

import asyncio
from functools import partial
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from serving.answer import Ranking, ScoredItem, ranking
from serving.budget import Budget
from serving.candidates.asked import Within
from serving.candidates.fuse import Fused, fuse
from serving.candidates.timely import dropped, timely
from serving.candidates.together import nearest_to
from serving.candidates.user_vector import unit
from serving.catalogue import Catalogue
from serving.errors import NotKnown
from serving.neighbours import Neighbours
from serving.request import LONGEST_FILTER, MOST_EXCLUDED
from streaming.events import Id

Array = npt.NDArray[Any]
SEARCH = 0.7  # of what is left of a request's time
NO_VECTOR = "item: no vector yet"


class SimilarRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items like which one."""

    item_id: Id
    k: Annotated[int, msgspec.Meta(ge=1)] = 10
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    surface: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    filter: Annotated[str, msgspec.Meta(max_length=LONGEST_FILTER)] | None = None
    exclude: Annotated[list[str], msgspec.Meta(max_length=MOST_EXCLUDED)] = []
    deadline_ms: Annotated[int, msgspec.Meta(ge=1)] | None = None


async def similar(asked: SimilarRequest, neighbours: Neighbours, budget: Budget) -> Ranking:
    """The items most like one. Raises NoModel, or NotKnown for an item that nobody knows."""
    model, catalogue = neighbours.model(), neighbours.catalogue
    row = catalogue.table.index.get(asked.item_id, -1)
    if row < 0:
        catalogue.want([asked.item_id])
        raise NotKnown(
            f"there is no item {asked.item_id!r}; one that was just published is found in a second", "item_id"
        )
    count = asked.offset + asked.k + len(asked.exclude) + 1
    retrieval = neighbours.retrieval
    answers = await _orders(row, retrieval.within(model), count, budget, retrieval)
    excluded = catalogue.table.rows([*asked.exclude, asked.item_id])
    orders = {name: _allowed(rows, excluded, catalogue) for name, rows in answers.items() if not isinstance(rows, str)}
    degraded = dropped(answers)
    if not catalogue.table.column("item_encoded")[row]:
        degraded.append(NO_VECTOR)
    items = page(fuse(orders), catalogue, asked.offset, asked.k)
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


def _allowed(rows: Array, excluded: Array, catalogue: Catalogue) -> Array:
    return rows[catalogue.table.rankable(rows) & ~np.isin(rows, excluded)]


def page(found: Fused, catalogue: Catalogue, offset: int, k: int) -> list[ScoredItem]:
    """One page of a fused order."""
    shown = slice(offset, offset + k)
    scored = zip(found.rows[shown].tolist(), found.scores[shown].tolist(), found.sources[shown], strict=True)
    return [ScoredItem(catalogue.table.ids[row], round(score, 6), source) for row, score, source in scored]
