"""A batch of parts left out -> what each part adds to each score: one inference through Triton."""

import logging
from typing import Any, NamedTuple

import numpy.typing as npt

from serving.budget import Budget
from serving.errors import ServingError
from serving.explain.parts import Batch
from serving.neighbours import Neighbours

Array = npt.NDArray[Any]
log = logging.getLogger(__name__)


class Added(NamedTuple):
    """What each part adds to the scores of n items."""

    scores: Array  # [n], with all of the parts
    item_ids: list[str]  # of the history, the newest first
    by_item: Array  # [len(item_ids), n]
    groups: list[str]
    by_group: Array  # [len(groups), n]


async def ask(asked: Batch, version: int, neighbours: Neighbours, budget: Budget) -> Added | None:
    """What the parts add; None where the ranker does not answer in what is left of the budget."""
    if not neighbours.guards.triton.allows():
        return None
    try:
        scores = await neighbours.ranker.score_many(asked.inputs, version, budget.left())
    except ServingError as error:
        log.warning("a ranking goes without its reasons: %s", error)
        return None
    return added(asked, scores)


def added(asked: Batch, scores: Array) -> Added:
    """Scores [rows of the batch, n] -> what each part adds."""
    adds, items = scores[0] - scores[1:], len(asked.item_ids)
    return Added(scores[0], asked.item_ids, adds[:items], asked.groups, adds[items:])
