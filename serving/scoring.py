"""A user and candidates -> scores: the user's rows, the tensors and one inference, within the time there is."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

from feature_repo.context import Context, query_text, without_query
from feature_repo.inputs import item_state
from serving.budget import ENCODE, Budget
from serving.catalogue import Candidates
from serving.inference import infer
from serving.knowing import Known, know
from serving.models import Model
from serving.neighbours import Neighbours
from serving.tensors import seek, user_tensors
from serving.user_features import UserRows

Array = npt.NDArray[Any]
QUERY_LOST = "query: not encoded"
KNOWN_ALONE = 0.001  # seconds: enough to find the vector of a query that was asked before


class Scored(NamedTuple):
    """N scores and what they are made of."""

    scores: Array  # [N], higher is better
    model: Model
    user: UserRows
    inputs: Mapping[str, Array]  # the ranker's tensors
    items: Mapping[str, Array]  # the candidates' columns of the item table
    context: Context  # without its query where that was lost
    degraded: list[str]  # what did not work as it should
    took_ms: dict[str, float]  # by stage


async def score(
    key: str,
    candidates: Candidates,
    neighbours: Neighbours,
    now_ms: int,
    context: Context,
    budget: Budget,
    known: Known | asyncio.Future[Known] | None = None,
    asking: Mapping[str, Array] | None = None,
) -> Scored:
    """Scores of candidates, at least one; ``known`` is what ``know`` said or will say, where it was asked before.

    ``asking`` are the tensors of ``user_inputs``, where they were made before.

    An online store or a Triton that does not answer costs quality, which ``degraded`` says.
    """
    model, started = neighbours.model(), time.perf_counter()
    query = query_text(context)
    encoding = asyncio.ensure_future(encoded(query, model, neighbours, budget)) if query else None
    unasked = known is None
    known = known or asyncio.ensure_future(know(key, neighbours, budget))
    if encoding or unasked:
        await asyncio.sleep(0)  # the questions leave; the items' tensors are made while the answers are on their way
    table = neighbours.catalogue.table
    items = table.take(candidates.rows)
    state, near = item_state(items, now_ms), seek(candidates.rows, table, model.neighbours)
    user, degraded = known if isinstance(known, Known) else await known
    typed = await encoding if encoding else None
    read = time.perf_counter()
    if neighbours.model() is not model:  # another model took over: its vectors are other numbers
        return await score(key, candidates, neighbours, now_ms, context, budget, Known(user, degraded))
    if query and typed is None:
        degraded, context = (*degraded, QUERY_LOST), without_query(context)
    inputs = {**state, **user_tensors(user, items, table, now_ms, near, context, typed, asking)}
    filled = time.perf_counter()
    scores, lost = await infer(inputs, len(candidates.ids), model.triton_version, neighbours, budget)
    took = {"features": read - started, "inputs": filled - read, "triton": time.perf_counter() - filled}
    took_ms = {stage: seconds * 1000 for stage, seconds in took.items()}
    return Scored(scores, model, user, inputs, items, context, [*degraded, *lost], took_ms)


async def encoded(query: str, model: Model, neighbours: Neighbours, budget: Budget) -> Array | None:
    """The query's vector, if it is known or made in time."""
    seconds = KNOWN_ALONE if neighbours.guards.triton.breaker.open else budget.share(ENCODE)
    try:
        return await asyncio.wait_for(neighbours.queries.vector(query, model), seconds)
    except TimeoutError:
        return None
