"""What is known of a user and a candidate together -> what each kind of action makes of the pair, and their blend.

click: a ranking score. conversion: log-odds that an interaction with the item is a like, a cart or a purchase and no
mere click. rating: its value, in standard deviations from the mean of the ratings trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from feature_repo.vocabulary import ACTION_CODE
from training.config import TrainConfig

HEADS = ("click", "conversion", "rating")
CLICKS = tuple(ACTION_CODE[action] for action in ("view", "click"))
CONVERSIONS = tuple(ACTION_CODE[action] for action in ("like", "cart", "purchase"))
RATING = ACTION_CODE["rating"]


def blend_of(text: str) -> dict[str, float]:
    """``click=1,conversion=0.5`` -> head -> weight; raises ValueError with what is wrong."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in HEADS:
            raise ValueError(f"head_weights {text!r}: {name!r} is no head, choose of {', '.join(HEADS)}")
        try:
            weights[name] = float(number)
        except ValueError:
            raise ValueError(f"head_weights {text!r}: {name} needs a number, such as {name}=0.5") from None
    if not any(weights.values()):
        raise ValueError(f"head_weights {text!r}: at least one weight must not be 0")
    return weights


class ActionHeads(nn.Module):
    """One linear top per kind of action on the same features; a top that has no weight in the blend costs nothing.

    B batch, N candidates, F = width of the features.
    """

    rating_mean: Tensor
    rating_deviation: Tensor

    def __init__(self, width: int, blend: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = {name: weight for name, weight in blend.items() if weight}
        self.tops = nn.ModuleDict({name: nn.Linear(width, 1) for name in HEADS})
        self.slopes = nn.ParameterDict({name: torch.tensor(0.0) for name in HEADS if name != "click"})
        self.register_buffer("rating_mean", torch.tensor(0.0))
        self.register_buffer("rating_deviation", torch.tensor(1.0))
        for weight in self.tops.parameters():
            nn.init.zeros_(weight)

    def forward(self, name: str, affinity: Tensor, features: Tensor) -> Tensor:
        """What one head says: affinities [B, N] and features [B, N, F] -> [B, N]."""
        slope = 1.0 if name == "click" else self.slopes[name]
        said: Tensor = slope * affinity + self.tops[name](features).squeeze(-1)
        return said

    def blended(self, affinity: Tensor, features: Tensor) -> Tensor:
        """The weighted sum of the heads, by which candidates are ranked: [B, N]."""
        said = [weight * self(name, affinity, features) for name, weight in self.weights.items()]
        return torch.stack(said).sum(0) if len(said) > 1 else said[0]

    @torch.no_grad()
    def fit_ratings(self, values: Tensor) -> None:
        """Take mean and deviation of the ratings that will be trained on."""
        self.rating_mean.copy_(values.mean())
        self.rating_deviation.copy_(values.std(correction=0).clamp(min=1e-3))

    def standardised(self, values: Tensor) -> Tensor:
        """Ratings as the rating head learns them."""
        return (values - self.rating_mean) / self.rating_deviation


def among(actions: Tensor, codes: tuple[int, ...]) -> Tensor:
    """Which actions [n] are of these codes."""
    return torch.isin(actions, torch.tensor(codes, device=actions.device))


def teachable(actions: Tensor) -> frozenset[str]:
    """The heads that labels of these actions can teach: conversions need clicks beside them."""
    found = {"click"}
    if among(actions, CLICKS).any() and among(actions, CONVERSIONS).any():
        found.add("conversion")
    if (actions == RATING).any():
        found.add("rating")
    return frozenset(found)


def targets(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Label rows -> ``label_action`` [n] codes, 0 for a rating without value, and ``label_value`` [n] of ratings."""
    values = np.array([np.nan if row.get("value") is None else row["value"] for row in rows], np.float32)
    actions = np.array([ACTION_CODE[row["action"]] for row in rows], np.int64)
    actions[(actions == RATING) & ~np.isfinite(values)] = 0
    return {"label_action": actions, "label_value": np.where(actions == RATING, values, 0.0).astype(np.float32)}


def taught(config: TrainConfig, heads: ActionHeads, users: Mapping[str, Tensor]) -> TrainConfig:
    """Ready the heads for these labels: without those that no label teaches, in the units of their ratings."""
    actions = users.get("label_action", torch.zeros(0, dtype=torch.int64))
    found = teachable(actions)
    if "rating" in found:
        heads.fit_ratings(users["label_value"][actions == RATING])
    untaught = {f"{name}_weight": 0.0 for name in HEADS if name not in found}
    unread = [name for name in heads.weights if name not in found]
    if unread:
        raise ValueError(f"head_weights has {', '.join(unread)}, but the snapshot has no labels that teach it")
    return replace(config, **untaught)  # type: ignore[arg-type]
