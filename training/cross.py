"""One candidate's numbers -> a share of its score."""

import torch
from torch import Tensor, nn


class CrossNetwork(nn.Module):
    """Two cross layers beside a small perceptron over one candidate's numbers (DCN-v2, Wang et al., 2021)."""

    def __init__(self, size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.crosses = nn.ModuleList(nn.Linear(size, size) for _ in range(2))
        self.deep = nn.Sequential(
            nn.Linear(size, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, hidden // 2), nn.GELU()
        )
        self.top = nn.Linear(size + hidden // 2, 1)
        nn.init.zeros_(self.top.weight)
        nn.init.zeros_(self.top.bias)

    def forward(self, numbers: Tensor) -> Tensor:
        """[B, N, size] -> [B, N]."""
        crossed = numbers
        for cross in self.crosses:
            crossed = numbers * cross(crossed) + crossed
        scores: Tensor = self.top(torch.cat([crossed, self.deep(numbers)], -1)).squeeze(-1)
        return scores
