"""A user and candidates -> scores: the user's rows, the tensors and one inference, within the time there is."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.context import Context, query_text, without_query
from feature_repo.inputs import item_affinity, item_state, unexpired, user_affinity, user_inputs
from feature_repo.item_table import ItemTable
from feature_repo.neighbours import Neighbours as ItemNeighbours
from feature_repo.neighbours import nearness
from feature_repo.vocabulary import HISTORY_LENGTH
from serving.budget import Budget
from serving.catalogue import Candidates
from serving.models import Model
from serving.neighbours import Neighbours
from serving.user_features import UserRows

Array = npt.NDArray[Any]
QUERY_LOST = "query: not encoded"


class Known(NamedTuple):
    """What is known of a user, and what did not work when it was asked for."""

    user: UserRows
    degraded: tuple[str, ...] = ()


class Scored(NamedTuple):
    """N scores and what they are made of."""

    scores: Array  # [N], higher is better
    model: Model
    user: UserRows
    inputs: Mapping[str, Array]  # the ranker's tensors
    items: Mapping[str, Array]  # the candidates' columns of the item table
    context: Context  # without its query where that was lost
    degraded: list[str]
    took_ms: dict[str, float]  # by stage


async def know(key: str, neighbours: Neighbours, budget: Budget) -> Known:
    """The rows of a user or a session. Raises OnlineStoreUnavailable."""
    return Known(await neighbours.users.read(key))


async def score(
    key: str,
    candidates: Candidates,
    neighbours: Neighbours,
    now_ms: int,
    context: Context,
    budget: Budget,
    known: Known | None = None,
) -> Scored:
    """Scores of candidates, at least one; ``known`` is what ``know`` said, where it was asked before.

    Raises NoModel, OnlineStoreUnavailable, TritonUnavailable.
    """
    model = neighbours.model()
    started = time.perf_counter()
    query = query_text(context)
    encoding = asyncio.ensure_future(neighbours.queries.vector(query, model)) if query else None
    reading = None if known else asyncio.ensure_future(know(key, neighbours, budget))
    if encoding or reading:
        await asyncio.sleep(0)  # the questions leave; the items' tensors are made while the answers are on their way
    table = neighbours.catalogue.table
    items = table.take(candidates.rows)
    state = item_state(items, now_ms)
    known = known or (await reading if reading else Known(UserRows({}, {})))
    typed = await encoding if encoding else None
    read = time.perf_counter()
    if neighbours.model() is not model:  # another model took over: its vectors are other numbers
        return await score(key, candidates, neighbours, now_ms, context, budget, known)
    degraded = list(known.degraded)
    if query and typed is None:
        degraded.append(QUERY_LOST)
        context = without_query(context)
    user = known.user
    inputs = {**state, **user_tensors(user, items, table, now_ms, context, typed)}
    inputs["user_item_near"] = near(user, candidates.rows, table, now_ms, model.neighbours)
    filled = time.perf_counter()
    scores = await neighbours.ranker.score(inputs, len(candidates.ids), model.triton_version)
    took = (read - started, filled - read, time.perf_counter() - filled)
    took_ms = dict(zip(STAGES, (seconds * 1000 for seconds in took), strict=True))
    return Scored(scores, model, user, inputs, items, context, degraded, took_ms)


STAGES = ("features", "inputs", "triton")


def user_tensors(
    user: UserRows,
    items: Mapping[str, Array],
    table: ItemTable,
    now_ms: int,
    context: Context = None,
    query: Array | None = None,
) -> dict[str, Array]:
    """The ranker's tensors that depend on the user and the request, and the vectors of these items."""
    activity = unexpired(user.activity, now_ms)  # as Feast's history: an expired row has no affinities either
    affinity = user_affinity(activity, table.category_codes, len(table.category_codes) + 1)
    return {
        **user_inputs(user.profile, user.activity, now_ms, table.vectors, context, query),
        "user_item_affinity": item_affinity(items, affinity),
        "item_vectors": items["item_vectors"],
    }


def near(user: UserRows, rows: Array, table: ItemTable, now_ms: int, neighbours: ItemNeighbours | None) -> Array:
    """How near candidates, by their rows of the table [N], are to the user's history: [N, NEAR]."""
    trained = table.column("item_trained")
    met = table.rows(list(unexpired(user.activity, now_ms).get("history_item_ids") or ())[-HISTORY_LENGTH:])
    return nearness(neighbours, np.where(met >= 0, trained[met], 0) - 1, trained[rows] - 1)
