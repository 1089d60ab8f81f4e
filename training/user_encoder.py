"""The ranker's inputs that no candidate changes -> the direction in which the items lie that suit the user.

What a ranker's vectors say of an item y is <x, y> + <r, y / |y|>: x what the scorer multiplies with, r the items met
last by what being like them is worth. With the catalogue's mean length in the place of |y| that is |y| times one dot
product, which an index of directions can be searched by (two towers: Covington, Adams and Sargin, RecSys 2016).
B batch, D = VECTOR_SIZE.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from training.model import Ranker


class UserEncoder(nn.Module):
    """The part of a ranker that candidates are found with."""

    length: Tensor

    def __init__(self, ranker: Ranker, item_vectors: Tensor) -> None:
        """``item_vectors`` [n, D] of the catalogue, whose mean length counts."""
        super().__init__()
        self.ranker = ranker
        self.register_buffer("length", item_vectors.norm(dim=-1).mean())

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """User vectors [B, D] of length one."""
        user, _ = self.ranker.asking(inputs)
        heard = self.ranker.heard(inputs)
        met = self.ranker.recency.newest(heard["history_vectors"], heard["history_actions"])  # [B, K, D]
        lately = (self.ranker.recency.pull[:, None] * met).sum(1)
        return F.normalize(self.length * self.ranker.scorer.aim(user) + lately, dim=-1, eps=1e-6)
