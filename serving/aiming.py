"""What is known of a user -> the direction to look for candidates in: the user encoder's, else of what was met last."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

from feature_repo.context import Context
from feature_repo.inputs import user_inputs
from serving.budget import AIM, Budget
from serving.candidates.met import Met
from serving.candidates.user_vector import user_vector
from serving.errors import NoModel, TritonUnavailable
from serving.inference import PATIENCE
from serving.models import Model
from serving.neighbours import Neighbours
from serving.user_features import UserRows

Array = npt.NDArray[Any]
LOST = "user_vector: of what was met last"


class Aim(NamedTuple):
    """Where to look, and what did not work when that was asked for."""

    direction: Array | None  # [VECTOR_SIZE] of length one; None where nothing is known of the user
    degraded: tuple[str, ...] = ()
    inputs: Mapping[str, Array] | None = None  # the tensors that were asked with, which the ranker reads as well


async def aim(
    user: UserRows,
    met: Met,
    context: Context,
    query: Array | None,
    model: Model,
    neighbours: Neighbours,
    now_ms: int,
    budget: Budget,
) -> Aim:
    """The user's direction, within its part of the budget; whoever met nothing has none.

    Raises InvalidRequest where Triton refuses the tensors.
    """
    table, triton = neighbours.catalogue.table, neighbours.guards.triton
    if not len(met.rows):
        return Aim(None)
    if not model.user_encoder:  # none yet, or of before there were any
        return Aim(user_vector(met, table))
    if triton.allows():
        inputs, seconds = user_inputs(*user, now_ms, table.vectors, context, query), budget.share(AIM)
        try:
            direction = await neighbours.user_encoder.vector(inputs, model.triton_version, seconds)
        except (TritonUnavailable, NoModel) as error:
            triton.fail(str(error), counts=seconds >= PATIENCE)
        else:
            triton.succeed()
            if neighbours.model() is model:  # else another took over: its vectors are other numbers
                return Aim(direction, (), inputs)
    return Aim(user_vector(met, table), (LOST,))
