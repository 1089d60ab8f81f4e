"""What a user did lately -> where the user stands: a causal transformer with actions and time gaps.

B batch, L history, at most HISTORY_LENGTH, D = VECTOR_SIZE. Attention has a learned bias per distance, as positions
have, and one per time between an entry and the moment that is predicted: what was done in this sitting counts for more
than what was done months ago, however many entries lie between (relative time of HSTU, Zhai et al., 2024).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from feature_repo.vocabulary import ACTIONS, HISTORY_LENGTH, VECTOR_SIZE
from training.clock import GAP_SCALES, time_features

NEVER = -1e9
LAGS = 28  # powers of two in seconds: a moment to eight years


class Block(nn.Module):
    """One causal transformer block."""

    gap: Tensor
    future: Tensor
    itself: Tensor

    def __init__(self, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(VECTOR_SIZE), nn.LayerNorm(VECTOR_SIZE)
        self.query, self.key_value = nn.Linear(VECTOR_SIZE, VECTOR_SIZE), nn.Linear(VECTOR_SIZE, 2 * VECTOR_SIZE)
        self.out = nn.Linear(VECTOR_SIZE, VECTOR_SIZE)
        self.up, self.down = nn.Linear(VECTOR_SIZE, 4 * VECTOR_SIZE), nn.Linear(4 * VECTOR_SIZE, VECTOR_SIZE)
        self.distance = nn.Parameter(torch.zeros(heads, HISTORY_LENGTH))
        self.lag = nn.Embedding(LAGS, heads)
        nn.init.zeros_(self.lag.weight)
        self.drop = nn.Dropout(dropout)
        places = torch.arange(HISTORY_LENGTH)
        self.register_buffer("gap", (places[:, None] - places[None]).clamp(min=0), persistent=False)
        self.register_buffer("future", places[None] > places[:, None], persistent=False)
        self.register_buffer("itself", torch.eye(HISTORY_LENGTH, dtype=torch.bool), persistent=False)

    def forward(self, states: Tensor, padding: Tensor, lags: Tensor, last_only: bool) -> Tensor:
        """``states`` [B, L, D] -> the same, or [B, 1, D] for the newest entry.

        ``padding`` [B, L] is not attended; ``lags`` [B, L, L] is what ``lags_of`` returned.
        """
        batch, length = states.shape[:2]
        start = length - 1 if last_only else 0
        normed = self.before(states)
        query = self.query(normed[:, start:]).view(batch, -1, self.heads, VECTOR_SIZE // self.heads).transpose(1, 2)
        key, value = self.key_value(normed).view(batch, -1, 2, self.heads, VECTOR_SIZE // self.heads).unbind(2)
        scores = query @ key.permute(0, 2, 3, 1) * (VECTOR_SIZE // self.heads) ** -0.5  # [B, heads, queries, L]
        scores = (
            scores + self.distance[:, self.gap[start:length, :length]] + self.lag(lags[:, start:]).permute(0, 3, 1, 2)
        )
        # An entry always sees itself: an empty history has something to attend to, and no row of the softmax is empty.
        hidden = (self.future[start:length, :length] | padding[:, None, :]) & ~self.itself[
            start:length, :length
        ]  # [B, queries, L]
        weights = scores.masked_fill(hidden[:, None], NEVER).softmax(-1)
        mixed = (weights @ value.transpose(1, 2)).transpose(1, 2).reshape(batch, -1, VECTOR_SIZE)
        states = states[:, start:] + self.drop(self.out(mixed))
        states = states + self.drop(self.down(F.gelu(self.up(self.between(states)))))
        return states


class HistoryEncoder(nn.Module):
    """What a user did, right-aligned -> where the user stands after each entry."""

    def __init__(self, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.actions = nn.Embedding(len(ACTIONS) + 1, VECTOR_SIZE)
        self.gaps = nn.Linear(len(GAP_SCALES), VECTOR_SIZE)
        self.blocks = nn.ModuleList(Block(heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(VECTOR_SIZE)
        self.drop = nn.Dropout(dropout)
        for beside in (self.actions.weight, self.gaps.weight):  # as small as an item's vector, or it drowns the items
            nn.init.normal_(beside, std=0.02)
        nn.init.zeros_(self.gaps.bias)

    def forward(self, vectors: Tensor, actions: Tensor, gaps: Tensor, last_only: bool = True) -> Tensor:
        """[B, L, D], [B, L], [B, L] seconds before now -> [B, D] for the newest entry, or [B, L, D]."""
        since = (F.pad(gaps[:, :-1], (1, 0)) - gaps).clamp(min=0)  # seconds after the entry before
        states = self.drop(vectors + self.actions(actions) + self.gaps(time_features(since)))
        padding, lags = actions == 0, lags_of(gaps)
        for number, block in enumerate(self.blocks, start=1):
            states = block(states, padding, lags, last_only and number == len(self.blocks))
        normed: Tensor = self.norm(states)
        return normed[:, -1] if last_only else normed


def lags_of(gaps: Tensor) -> Tensor:
    """Seconds before now [B, L] -> codes [B, L, L] of the time from each entry (last) to the one after another, or now.

    What comes after an entry is what is predicted from it, at that entry's time.
    """
    predicted = F.pad(gaps[:, 1:], (0, 1))
    seconds = (gaps[:, None, :] - predicted[:, :, None]).clamp(min=0)
    return torch.log2(1 + seconds).clamp(max=LAGS - 1).long()
