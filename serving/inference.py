"""The ranker's tensors -> scores: Triton's, or the light ones where it does not answer in time or there is no model."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from serving.budget import INFER, Budget
from serving.errors import NoModel, TritonUnavailable
from serving.light import light
from serving.neighbours import Neighbours

Array = npt.NDArray[Any]
PATIENCE, PER_CANDIDATE = 0.05, 5e-5  # seconds an inference may take before Triton is to blame


async def infer(
    inputs: Mapping[str, Array], candidates: int, version: int, neighbours: Neighbours, budget: Budget
) -> tuple[Array, tuple[str, ...]]:
    """Scores [candidates], and what did not work; of the model NONE, version 0, Triton is not asked.

    Raises InvalidRequest where Triton refuses the tensors.
    """
    triton = neighbours.guards.triton
    if version and triton.allows():
        seconds = budget.share(INFER)
        try:
            scores = await neighbours.ranker.score(inputs, candidates, version, seconds)
        except (TritonUnavailable, NoModel) as error:
            triton.fail(str(error), counts=seconds >= PATIENCE + PER_CANDIDATE * candidates)
        else:
            triton.succeed()
            return scores, ()
    scores, kind = light(inputs)
    return scores, (f"{'triton' if version else 'model'}: {kind}",)
