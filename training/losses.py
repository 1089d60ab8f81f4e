"""Labels with their candidates -> what a step minimises on the full score."""

import torch
from torch import Tensor
from torch.nn import functional as F

from training.item_tower import fill_vectors
from training.model import Ranker


def label_loss(ranker: Ranker, users: dict[str, Tensor], candidates: dict[str, Tensor], matrix: Tensor) -> Tensor:
    """Cross entropy of the positive (place 0) against the sampled candidates [B, N], over the full score."""
    inputs = fill_vectors(users | candidates, matrix, candidates["rows"])
    return F.cross_entropy(
        ranker(inputs) - candidates["log_draws"], torch.zeros(len(candidates["rows"]), dtype=torch.int64)
    )
