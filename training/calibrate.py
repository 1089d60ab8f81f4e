"""A trained recommender and the labels of its validation window -> its calibration, with how good it is."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.calibration import checked, evidence, platt
from training.item_tower import fill_vectors
from training.recommender import Recommender, as_tensors
from training.samples import Arrays

LABELS = 256  # a pass


@torch.no_grad()
def label_scores(recommender: Recommender, text: Tensor, labels: dict[str, Tensor]) -> np.ndarray[Any, Any]:
    """Scores [n, N] of labels' candidates."""
    recommender.modules().eval()
    matrix, queries, found = recommender.matrix(text), recommender.queries(text), []
    for places in torch.split(torch.arange(len(labels["rows"])), LABELS):
        part = {name: tensor[places].to(matrix.device) for name, tensor in labels.items()}
        if recommender.neighbours is not None:
            part["user_item_near"] = recommender.near(part["history_rows"], part["rows"])
        found.append(recommender.ranker(fill_vectors(part, matrix, part["rows"], queries)))
    return torch.cat(found).double().cpu().numpy()


def calibrate(
    recommender: Recommender,
    text: Tensor,
    labels: tuple[Arrays, Arrays],
    click_rate: float,
) -> dict[str, Any]:
    """Fit the recommender's click probability to ``labels`` (read_labels) of after training; returns what to keep.

    The weights may be trained on afterwards (the last epochs take the validation window in): the slope stays that of
    the weights that had not seen it.
    """
    users, candidates = labels
    scores = label_scores(recommender, text, as_tensors(users | candidates))
    found, kind = evidence(scores, candidates.get("shown"), click_rate)
    slope, offset = platt(found)
    recommender.ranker.calibration.set(slope, offset)
    return {"fitted_to": kind, "pairs": len(found.scores), "slope": slope, "offset": offset, "held_out": checked(found)}
