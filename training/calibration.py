"""Scores of a window nobody trained on, with what was clicked -> the probability that a score stands for."""

import torch
from torch import Tensor, nn


class Calibration(nn.Module):
    """Scores -> click probabilities, by a slope and an offset (Platt, 1999): the order of candidates stays."""

    slope: Tensor
    offset: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slope", torch.tensor(1.0))
        self.register_buffer("offset", torch.tensor(0.0))

    def forward(self, scores: Tensor) -> Tensor:
        """Any shape -> the same."""
        return torch.sigmoid(self.slope * scores + self.offset)
