"""A causal transformer over item ids (SASRec, Kang and McAuley, 2018): the sequence model to beat.

Rows of the catalogue plus one, padded on the right with 0. B batch, L length, D = VECTOR_SIZE, n items.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from feature_repo.vocabulary import VECTOR_SIZE
from training.cases import Case

SCORED = 256  # cases a pass


class Block(nn.Module):
    """One transformer block; dropout on its two branches only."""

    def __init__(self, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(VECTOR_SIZE), nn.LayerNorm(VECTOR_SIZE)
        self.mix, self.out = nn.Linear(VECTOR_SIZE, 3 * VECTOR_SIZE), nn.Linear(VECTOR_SIZE, VECTOR_SIZE)
        self.up, self.down = nn.Linear(VECTOR_SIZE, 4 * VECTOR_SIZE), nn.Linear(4 * VECTOR_SIZE, VECTOR_SIZE)
        self.drop = nn.Dropout(dropout)

    def forward(self, states: Tensor) -> Tensor:
        """[B, L, D] -> [B, L, D]."""
        batch, length, width = states.shape
        mixed = self.mix(self.before(states)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        states = states + self.drop(self.out(seen.transpose(1, 2).reshape(batch, length, width)))
        states = states + self.drop(self.down(F.gelu(self.up(self.between(states)))))
        return states


class SASRec(nn.Module):
    """Histories -> where their users stand; an item's score is the dot product with its embedding."""

    def __init__(self, size: int, length: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.length = length
        self.items, self.places = nn.Embedding(size + 1, VECTOR_SIZE, padding_idx=0), nn.Embedding(length, VECTOR_SIZE)
        for embedding in (self.items, self.places):
            nn.init.normal_(embedding.weight, std=0.02)
        self.blocks = nn.Sequential(*(Block(heads, dropout) for _ in range(layers)))
        self.norm, self.drop = nn.LayerNorm(VECTOR_SIZE), nn.Dropout(dropout)

    def forward(self, rows: Tensor) -> Tensor:
        """[B, L] -> states [B, L, D]; causal attention never looks at what is padded on the right."""
        states: Tensor = self.norm(self.blocks(self.drop(self.items(rows) + self.places.weight[: rows.shape[1]])))
        return states

    @torch.no_grad()
    def scores(self, histories: Sequence[npt.NDArray[Any]]) -> Tensor:
        """Scores [B, n] after histories, oldest first."""
        self.eval()
        rows = padded(histories, self.length)
        newest = (rows > 0).sum(1).clamp(min=1) - 1
        states: Tensor = self(rows)[torch.arange(len(rows)), newest]
        return states @ self.items.weight[1:].T


def padded(histories: Sequence[npt.NDArray[Any]], length: int) -> Tensor:
    """The last ``length`` rows of each history plus one, zeros behind: [B, longest]."""
    longest = max(1, min(length, max(map(len, histories))))
    rows = np.zeros((len(histories), longest), np.int64)
    for row, history in zip(rows, histories, strict=True):
        recent = history[-longest:]
        row[: len(recent)] = recent + 1
    return torch.from_numpy(rows)


def sequence_loss(network: SASRec, rows: Tensor, negatives: int) -> Tensor:
    """Cross entropy of every next entry of sequences [B, 1 + L]: among all items, or, when there are more than
    ``negatives``, among the entry and so many uniform ones (Klenitskiy and Vasilev, 2023)."""
    taught = rows[:, 1:] > 0
    states, targets = network(rows[:, :-1])[taught], rows[:, 1:][taught]
    weights = network.items.weight
    if len(weights) - 1 <= negatives:
        return F.cross_entropy(states @ weights[1:].T, targets - 1)
    drawn = torch.randint(1, len(weights), (negatives,))
    others = (states @ weights[drawn].T).masked_fill(targets[:, None] == drawn, -1e9)
    mine = (states * weights[targets]).sum(1, keepdim=True)
    return F.cross_entropy(torch.cat([mine, others], 1), torch.zeros_like(targets))


class Scorer:
    """A trained network as a baseline."""

    def __init__(self, network: SASRec) -> None:
        self._network = network

    def __call__(self, cases: Sequence[Case]) -> npt.NDArray[Any]:
        parts = [cases[start : start + SCORED] for start in range(0, len(cases), SCORED)]
        return np.concatenate([self._network.scores([case.seen for case in part]).numpy() for part in parts])
