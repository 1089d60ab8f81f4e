"""Labels with their candidates -> named losses on the full score and on the heads.

B labels, N candidates: the positive in place 0, sampled negatives, and where impressions are known (``shown`` [B, N])
what was shown with it. Shown rows have no chance of being drawn: they stay out of the sampled loss.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from training.config import TrainConfig
from training.heads import CLICKS, CONVERSIONS, RATING, among
from training.history import NEVER
from training.item_tower import fill_vectors
from training.model import Ranker
from training.next_item import trimmed

Batch = dict[str, Tensor]
LOSSES = ("softmax", "gbce")


def label_losses(
    ranker: Ranker,
    users: Batch,
    candidates: Batch,
    matrix: Tensor,
    config: TrainConfig,
    queries: Tensor | None = None,
) -> Batch:
    """Loss by name (ranking, shown, click, conversion, rating); those without weight or examples are left out.

    ``users`` has ``label_action`` and ``label_value`` [B] where the heads are to learn; ``matrix`` [1 + n, D]
    and ``queries`` [1 + q, D] are the vectors of the catalogue and of the labels' queries.
    """
    inputs = fill_vectors(trimmed(users) | candidates, matrix, candidates["rows"], queries)
    pairs = ranker.pairs(*ranker.asking(inputs), inputs)
    losses = {}
    if config.ranking_weight or config.shown_weight or config.click_weight:
        scores = ranker.heads("click", *pairs)
        losses = click_losses(scores, candidates, len(matrix) - 1, config)
    if "label_action" in users:
        positives = pairs[0][:, :1], pairs[1][:, :1]
        losses |= head_losses(ranker, *positives, users, config)
    return losses


def click_losses(scores: Tensor, candidates: Batch, catalogue: int, config: TrainConfig) -> Batch:
    """What the scores [B, N] say of what was drawn and of what was shown."""
    losses = {}
    shown = candidates.get("shown")
    if config.ranking_weight:
        passed = None if shown is None else shown | ~candidates.get("candidate_mask", ~shown)  # neither was drawn
        losses["ranking"] = sampled_loss(scores, candidates["log_draws"], passed, catalogue, config)
    if shown is not None and shown.any():
        if config.shown_weight:
            losses["shown"] = shown_loss(scores, shown)
        if config.click_weight:
            losses["click"] = click_loss(scores, shown)
    return losses


def sampled_loss(
    scores: Tensor, log_draws: Tensor, shown: Tensor | None, catalogue: int, config: TrainConfig
) -> Tensor:
    """The positive (place 0) against the sampled candidates [B, N], by the loss that was chosen."""
    drawn = torch.ones_like(scores, dtype=torch.bool) if shown is None else ~shown
    if config.loss == "gbce":
        return gbce(scores, drawn, catalogue, config.gbce_t)
    if config.loss == "softmax":
        corrected = (scores - log_draws).masked_fill(~drawn, NEVER)
        return F.cross_entropy(corrected, torch.zeros(len(scores), dtype=torch.int64, device=scores.device))
    raise ValueError(f"there is no loss {config.loss!r}: choose one of {', '.join(LOSSES)}")


def gbce(scores: Tensor, drawn: Tensor, catalogue: int, t: float) -> Tensor:
    """Generalised binary cross entropy (gSASRec, Petrov and Macdonald, 2023) over positives and drawn negatives.

    The power beta of the positive's probability takes back the overconfidence that sampling negatives brings. It
    is derived for uniform draws of ``catalogue`` items; draws by popularity are counted as if they were such.
    """
    negatives = drawn[:, 1:]
    count = negatives.sum(1)
    share = (count / max(catalogue - 1, 1)).clamp(min=1e-9, max=1.0)
    beta = share * (t * (1 - 1 / share) + 1 / share)
    positive = beta * F.softplus(-scores[:, 0])
    negative = (F.softplus(scores[:, 1:]) * negatives).sum(1)
    return ((positive + negative) / (count + 1)).mean()


def shown_loss(scores: Tensor, shown: Tensor) -> Tensor:
    """Cross entropy of the positive against what was shown with it, over the labels that have such."""
    having = shown.any(1)
    rivals = scores.masked_fill(~shown, NEVER)[having]
    rivals = torch.cat([scores[having, :1], rivals[:, 1:]], 1)
    return F.cross_entropy(rivals, torch.zeros(len(rivals), dtype=torch.int64, device=scores.device))


def click_loss(scores: Tensor, shown: Tensor) -> Tensor:
    """Clicked or not, each impression by itself: what gives scores a level and not only an order."""
    having = shown.any(1)
    clicked = F.softplus(-scores[having, 0])
    passed = F.softplus(scores[shown])
    return torch.cat([clicked, passed]).mean()


def head_losses(ranker: Ranker, affinity: Tensor, features: Tensor, users: Batch, config: TrainConfig) -> Batch:
    """Conversion and rating of the positives [B, 1], where the label's action tells."""
    losses, actions = {}, users["label_action"]
    converted = among(actions, CONVERSIONS)
    told = converted | among(actions, CLICKS)
    if config.conversion_weight and told.any():
        said = ranker.heads("conversion", affinity[told], features[told])[:, 0]
        losses["conversion"] = F.binary_cross_entropy_with_logits(said, converted[told].to(said.dtype))
    rated = actions == RATING
    if config.rating_weight and rated.any():
        said = ranker.heads("rating", affinity[rated], features[rated])[:, 0]
        losses["rating"] = F.mse_loss(said, ranker.heads.standardised(users["label_value"][rated]))
    return losses
