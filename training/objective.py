"""A batch -> the losses of a step by name, and what each averages over: the seam between the loop and the model."""

from dataclasses import asdict

from torch import Tensor

from training.batches import Batch
from training.config import TrainConfig
from training.heads import CLICKS, CONVERSIONS, RATING, among
from training.losses import label_losses
from training.next_item import window_loss
from training.recommender import Recommender
from training.text_cache import TextCache


def step_losses(recommender: Recommender, cache: TextCache, batch: Batch, config: TrainConfig) -> dict[str, Tensor]:
    """Mean losses by name; those without weight or without an example in the batch are absent."""
    matrix, queries = recommender.matrix(cache.vectors, config.residual_dropout), recommender.queries(cache.vectors)
    taught, labels = batch.taught()
    losses = {}
    if taught and config.next_item_weight:
        losses["next_item"] = window_loss(recommender.ranker, batch.windows, matrix, config.catalogue_negatives)
    if labels:
        losses |= label_losses(recommender.ranker, batch.users, batch.candidates, matrix, config, queries)
    return losses


def weights_of(config: TrainConfig) -> dict[str, float]:
    """What each loss counts for in the sum that is minimised: every ``<name>_weight`` of the configuration."""
    return {name[: -len("_weight")]: value for name, value in asdict(config).items() if name.endswith("_weight")}


def examples(batch: Batch) -> dict[str, int]:
    """How many examples each loss averages over in a batch.

    What a part of a batch has of them is the weight of its means: so the parts add up to the mean of the whole.
    """
    taught, labels = batch.taught()
    counts = {"next_item": taught, "ranking": labels, "shown": 0, "click": 0, "conversion": 0, "rating": 0}
    shown, actions = batch.candidates.get("shown"), batch.users.get("label_action")
    if shown is not None:
        counts["shown"] = int(shown.any(1).sum())
        counts["click"] = counts["shown"] + int(shown.sum())
    if actions is not None:
        counts["conversion"] = int((among(actions, CONVERSIONS) | among(actions, CLICKS)).sum())
        counts["rating"] = int((actions == RATING).sum())
    return counts
