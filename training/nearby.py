"""How near candidates are to what the user met -> a share of their score, in a handful of weights.

The weights are fitted when all else is trained, on cases of the validation window, by the likelihood of what came among
the whole catalogue. Trained along they would learn to trust lists that were made from the very labels they are asked
about (stacked generalisation: Wolpert, 1992).
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from feature_repo.neighbours import NEAR

Evidence = tuple[Tensor, Tensor, int]  # scores [n] with -inf where they cannot be, nearness [n, NEAR], target


class Nearby(nn.Module):
    """Nearness [B, N, NEAR] -> what it adds to the scores [B, N]; nothing before it was fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(2 * NEAR), requires_grad=False)

    def forward(self, near: Tensor) -> Tensor:
        """A weight for each number and one for its root: the first steps of nearness say most."""
        share: Tensor = torch.cat([near, near.sqrt()], -1) @ self.weights
        return share


@torch.enable_grad()
def fit(nearby: Nearby, cases: Iterable[Evidence], ridge: float = 1e-3, steps: int = 60) -> dict[str, float]:
    """Set the weights by Newton-like steps (L-BFGS) on penalised likelihood; returns the loss before and after."""
    found = list(cases)
    weights = torch.zeros_like(nearby.weights, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], lr=1.0, max_iter=steps, line_search_fn="strong_wolfe")
    kept = [(scores, torch.cat([near, near.sqrt()], -1), target) for scores, near, target in found]

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = [F.cross_entropy(scores + near @ weights, torch.tensor(target)) for scores, near, target in kept]
        loss = torch.stack(losses).mean() + ridge * (weights**2).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    before = float(closure().detach())
    optimizer.step(closure)  # type: ignore[no-untyped-call]
    after = float(closure().detach())
    with torch.no_grad():
        nearby.weights.copy_(weights)
    return {"cases": len(kept), "before": before, "after": after}
