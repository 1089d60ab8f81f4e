"""A user's vector -> what an item's vector is multiplied with: a scaled dot product, or a learned bilinear form."""

import torch
from torch import Tensor, nn

SCORERS = ("dot", "bilinear")


class Scorer(nn.Module):
    """scale * <x, y>, or scale * <x, W y> + b with W = I + a learned part that starts at zero: both start alike.

    Weight decay so pulls a bilinear form towards the dot product. B batch, D = size of the vectors.
    """

    def __init__(self, kind: str, size: int) -> None:
        super().__init__()
        if kind not in SCORERS:
            raise ValueError(f"there is no scorer {kind!r}: choose one of {', '.join(SCORERS)}")
        self.scale = nn.Parameter(torch.tensor(0.0))  # its log
        self.turn = nn.Parameter(torch.zeros(size, size)) if kind == "bilinear" else None
        self.bias = nn.Parameter(torch.tensor(0.0)) if kind == "bilinear" else None

    def aim(self, users: Tensor) -> Tensor:
        """User vectors [..., D] -> those whose plain dot products with item vectors are the scores without b."""
        turned = users if self.turn is None else users + users @ self.turn
        return turned * self.scale.exp()

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Users [B, D] with their candidates [B, N, D] -> [B, N]."""
        scores = (items @ self.aim(users).unsqueeze(-1)).squeeze(-1)
        return scores if self.bias is None else scores + self.bias
