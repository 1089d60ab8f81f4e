"""How near candidates are to what the user met -> a share of their score, in a handful of weights (stacking.py)."""

import torch
from torch import Tensor, nn

from feature_repo.neighbours import NEAR


class Nearby(nn.Module):
    """Nearness [B, N, NEAR] -> what it adds to the scores [B, N]; nothing before it was fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(2 * NEAR), requires_grad=False)

    def forward(self, near: Tensor) -> Tensor:
        """A weight for each number and one for its root: the first steps of nearness say most."""
        share: Tensor = steps_of(near) @ self.weights
        return share


def steps_of(near: Tensor) -> Tensor:
    """Nearness [..., NEAR] and its root [..., 2 * NEAR]."""
    return torch.cat([near, near.sqrt()], -1)
