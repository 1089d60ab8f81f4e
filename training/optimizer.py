"""Weights -> AdamW that decays matrices only."""

from collections.abc import Iterable

import torch
from torch import nn


def adamw(weights: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter, 2019). Biases, norms and other vectors and scalars do not decay.

    Embeddings do: decay draws the residual of an item nobody takes back to what its text says.
    """
    weights = list(weights)
    groups = [
        {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98))
