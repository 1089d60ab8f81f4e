"""The vectors a user met lately -> how like them candidates are, over several spans of the history.

What comes next is often like what came last, in another way than the dot product with a state says: an item that
nobody was taught about is like the last one by its text. B batch, L history, D = VECTOR_SIZE, K spans, N candidates.
"""

import torch
from torch import Tensor, nn

from feature_repo.vocabulary import HISTORY_LENGTH

HALF_LIVES = (0.5, 4.0, 20.0)  # entries, to begin with
PULL = (3.0, 1.0, 1.0)  # what a cosine adds to a score, to begin with
SPANS = len(HALF_LIVES)


class Recency(nn.Module):
    """Means of unit vectors over the history, the newer the heavier, and what being like them is worth."""

    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.half_lives = nn.Parameter(torch.tensor(HALF_LIVES).log())  # their logs
        self.pull = nn.Parameter(torch.tensor(PULL))
        self.register_buffer("places", torch.arange(HISTORY_LENGTH, dtype=torch.float32), persistent=False)

    def newest(self, vectors: Tensor, actions: Tensor) -> Tensor:
        """Histories [B, L, D] with actions [B, L] (0 pads) -> means as of the newest entry [B, K, D]."""
        since = self.places[: vectors.shape[1]].flip(0)
        weights = torch.exp2(-since / self.half_lives.exp()[:, None]) * (actions > 0)[:, None]  # [B, K, L]
        return (weights @ unit(vectors)) / weights.sum(-1, keepdim=True).clamp(min=1e-6)

    def along(self, vectors: Tensor, actions: Tensor) -> Tensor:
        """The same as of each entry, by its worth: [B, L, D], what unit vectors of candidates are multiplied with."""
        places = self.places[: vectors.shape[1]]
        since = places[:, None] - places
        weights = torch.exp2(-since.clamp(min=0) / self.half_lives.exp()[:, None, None]) * (since >= 0)  # [K, L, L]
        weights = weights * (actions > 0)[:, None, None]  # [B, K, L, L]
        shares = weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)
        mixed: Tensor = (self.pull[:, None, None] * shares).sum(1) @ unit(vectors)
        return mixed


def unit(vectors: Tensor) -> Tensor:
    """Vectors [..., D] of length one; zeros stay zeros."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / lengths.clamp(min=1e-6)  # what F.normalize does, without its expanding: fewer steps when served
