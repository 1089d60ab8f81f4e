"""One candidate's numbers -> features of the heads."""

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
        self.width = size + hidden // 2  # of a candidate's features

    def forward(self, numbers: Tensor) -> Tensor:
        """[B, N, size] -> [B, N, width]."""
        crossed = numbers
        for cross in self.crosses:
            crossed = numbers * cross(crossed) + crossed
        return torch.cat([crossed, self.deep(numbers)], -1)
