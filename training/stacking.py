"""The parts of a score and what came -> what each part is worth, by the likelihood of what came among all items.

Fitted when all else is trained, on cases of the validation window. Trained along, the lists of near items would be
trusted more than they deserve later, since they were made from the very labels; and the numbers of a candidate, learned
against a few drawn negatives, would be trusted among all items as among those (stacked generalisation: Wolpert, 1992).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

RIDGE = 1e-3
STEPS = 60


class Parts(NamedTuple):
    """One case: n items; a large negative affinity says that an item is no candidate."""

    affinity: Tensor  # [n] of the vectors
    numbers: Tensor  # [n] what the cross network adds
    near: Tensor  # [n, k] of the lists
    target: int


class Worth(NamedTuple):
    """What parts are multiplied with, the affinity with 1."""

    numbers: float
    near: Tensor  # [k]
    before: float  # mean negative log likelihood of the target with numbers as they are and without lists, in nats
    after: float


@torch.enable_grad()
def worth(cases: Sequence[Parts]) -> Worth:
    """Penalised maximum likelihood by L-BFGS; numbers are worth nothing rather than less."""
    size = cases[0].near.shape[1]
    weights = torch.cat([torch.ones(2), torch.zeros(size)]).requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss_of(found: Tensor) -> Tensor:
        losses = [F.cross_entropy(_score(case, found), torch.tensor(case.target)) for case in cases]
        return torch.stack(losses).mean() + RIDGE * (found[2:] ** 2).mean()

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(weights)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    before = float(loss_of(weights).detach())
    optimizer.step(closure)  # type: ignore[no-untyped-call]
    found = weights.detach()
    scale = found[0].clamp(min=1e-3)
    return Worth(float((found[1] / scale).clamp(min=0.0)), found[2:] / scale, before, float(loss_of(found)))


def _score(case: Parts, weights: Tensor) -> Tensor:
    return weights[0] * case.affinity + weights[1] * case.numbers + case.near @ weights[2:]
