"""slate -> the same with items that differ near the top: MMR, or a determinantal point process (DPP).

Both weigh an item's score against how much it is like what stands before it, by the cosine of item vectors.
"""

from typing import Annotated, Literal

import msgspec
import numpy as np

from feature_repo.unit import unit
from serving.slate.slate import Array, Given, Slate, Stage

_NEVER = -np.inf
_EXHAUSTED = 1e-10  # what is left of an item that those before it make up wholly


class Diversity(Stage, frozen=True, tag="diversity"):
    """Spread the best ``pool`` items; the request's `diversity` comes before ``amount``, 0 is the order by score."""

    phase = "order"

    method: Literal["mmr", "dpp"] = "mmr"
    amount: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    pool: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


def diversify(slate: Slate, given: Given, settings: Diversity) -> Slate:
    amount = settings.amount if given.diversity is None else given.diversity
    if amount == 0 or len(slate.places) < 2:
        return slate
    pool = max(settings.pool, given.end)
    vectors = unit(given.column(slate, "item_vectors")[:pool])
    pick = mmr if settings.method == "mmr" else dpp
    picked = pick(relevance(slate.scores[:pool]), vectors, amount, given.end)
    return slate.reorder(picked + sorted(set(range(len(slate.places))) - set(picked)))


def mmr(relevant: Array, vectors: Array, amount: float, k: int) -> list[int]:
    """k positions of n by maximal marginal relevance (Carbonell and Goldstein, 1998).

    Each is the best of ``(1 - amount) * relevance - amount * likeness`` to what was picked before that is most like it;
    ``relevant`` [n] is within 0 and 1, ``vectors`` [n, d] have length 1.
    """
    worth = (1 - amount) * relevant
    picked = [int(worth.argmax())]
    likest = vectors @ vectors[picked[0]]
    worth[picked[0]] = _NEVER
    for _ in range(min(k, len(worth)) - 1):
        best = int((worth - amount * likest).argmax())
        picked.append(best)
        worth[best] = _NEVER
        np.maximum(likest, vectors @ vectors[best], out=likest)
    return picked


def dpp(relevant: Array, vectors: Array, amount: float, k: int) -> list[int]:
    """k positions of n: the greedy maximum a posteriori of a determinantal point process (Chen et al., 2018).

    Each adds most to ``(1 - amount) * sum of relevance + amount * log det S`` of those picked, where ``S`` is their
    likeness ``(1 + cosine) / 2``; a step is one column of the Cholesky factor of S, O(n k^2) in all.
    """
    count = min(k, len(relevant))
    left = np.ones(len(relevant))  # of each item, squared: what those picked do not make up
    factor = np.zeros((count, len(relevant)))
    worth, picked = (1 - amount) * relevant, list[int]()
    for step in range(count):
        best = int((worth + amount * np.log(left)).argmax())
        picked.append(best)
        worth[best] = _NEVER
        like = (1 + vectors @ vectors[best]) / 2
        factor[step] = (like - factor[:step, best] @ factor[:step]) / np.sqrt(left[best])
        left = np.maximum(left - factor[step] ** 2, _EXHAUSTED)
    return picked


def relevance(scores: Array) -> Array:
    """Scores [n], stretched from 0 to 1."""
    low, high = scores.min(), scores.max()
    return np.asarray((scores - low) / (high - low)) if high > low else np.zeros(len(scores))
