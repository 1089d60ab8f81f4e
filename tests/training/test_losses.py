"""What each loss is, and that what has no weight or no examples is not computed."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from feature_repo.vocabulary import ACTION_CODE
from training.config import TrainConfig
from training.example_inputs import ranker_inputs
from training.losses import click_loss, gbce, label_losses, sampled_loss, shown_loss
from training.model import Ranker

CONFIG = TrainConfig()
CLICK, LIKE, RATING = (ACTION_CODE[action] for action in ("click", "like", "rating"))
SHOWN = torch.tensor([[False, False, False, True, True], [False] * 5, [False, False, False, False, True]])


@pytest.fixture
def scores() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(3, 5)


def batch(actions: list[int], shown: Tensor | None = None) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Three labels with five candidates each."""
    tensors = {name: torch.from_numpy(array) for name, array in ranker_inputs(3, 5).items()}
    del tensors["history_vectors"], tensors["item_vectors"]
    rows = torch.arange(15).reshape(3, 5)
    candidates = {name: tensor for name, tensor in tensors.items() if tensor.shape[1:2] == (5,)}
    users = {name: tensor for name, tensor in tensors.items() if name not in candidates}
    users |= {"history_rows": torch.zeros(3, 64, dtype=torch.int64)}
    users |= {"label_action": torch.tensor(actions), "label_value": torch.tensor([1.0, 2.0, 5.0])}
    known = {"shown": shown} if shown is not None else {}
    return users, candidates | {"rows": rows, "log_draws": torch.zeros(3, 5)} | known


def found(config: TrainConfig, actions: list[int], shown: Tensor | None = None) -> dict[str, Tensor]:
    torch.manual_seed(0)
    ranker = Ranker(layers=1, heads=2, hidden=8, dropout=0.0)
    return label_losses(ranker, *batch(actions, shown), torch.randn(16, 64), config)


def test_the_softmax_is_over_what_was_drawn_and_counts_its_chance(scores: Tensor) -> None:
    log_draws = torch.tensor([0.0, -1.0, -2.0, 0.0, 0.0]).expand(3, 5)
    expected = torch.stack(
        [torch.logsumexp((row - log_draws[0])[~shown], 0) - row[0] for row, shown in zip(scores, SHOWN, strict=True)]
    )
    assert torch.allclose(sampled_loss(scores, log_draws, SHOWN, 100, CONFIG), expected.mean())


def test_gbce_equals_its_formula(scores: Tensor) -> None:
    drawn, catalogue, t = torch.ones(3, 5, dtype=torch.bool), 101, 0.75
    alpha = 4 / (catalogue - 1)
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    positive = torch.sigmoid(scores[:, 0]) ** beta
    negatives = torch.log(1 - torch.sigmoid(scores[:, 1:])).sum(1)
    expected = -(torch.log(positive) + negatives) / 5
    assert torch.allclose(gbce(scores, drawn, catalogue, t), expected.mean())


def test_gbce_is_plain_binary_cross_entropy_without_its_power(scores: Tensor) -> None:
    targets = torch.zeros(3, 5).index_fill(1, torch.tensor([0]), 1.0)
    plain = F.binary_cross_entropy_with_logits(scores, targets)
    assert torch.allclose(gbce(scores, torch.ones(3, 5, dtype=torch.bool), 1000, t=0.0), plain)


def test_gbce_leaves_out_what_was_not_drawn(scores: Tensor) -> None:
    alone = torch.stack(
        [gbce(row[None, ~shown], ~shown[None, ~shown], 50, 0.5) for row, shown in zip(scores, SHOWN, strict=True)]
    )
    assert torch.allclose(gbce(scores, ~SHOWN, 50, 0.5), alone.mean())


def test_what_was_shown_competes_with_the_positive_alone(scores: Tensor) -> None:
    first = torch.logsumexp(scores[0, [0, 3, 4]], 0) - scores[0, 0]
    last = torch.logsumexp(scores[2, [0, 4]], 0) - scores[2, 0]
    assert torch.allclose(shown_loss(scores, SHOWN), (first + last) / 2)


def test_each_impression_is_clicked_or_not(scores: Tensor) -> None:
    logits = torch.stack([scores[0, 0], scores[2, 0], scores[0, 3], scores[0, 4], scores[2, 4]])
    expected = F.binary_cross_entropy_with_logits(logits, torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0]))
    assert torch.allclose(click_loss(scores, SHOWN), expected)


def test_losses_are_those_that_the_labels_can_teach() -> None:
    assert set(found(CONFIG, [CLICK, CLICK, CLICK])) == {"ranking", "conversion"}
    assert set(found(CONFIG, [RATING, RATING, RATING])) == {"ranking", "rating"}
    every = found(CONFIG, [CLICK, LIKE, RATING], SHOWN)
    assert set(every) == {"ranking", "shown", "click", "conversion", "rating"}
    assert set(found(CONFIG, [RATING] * 3, torch.zeros(3, 5, dtype=torch.bool))) == {"ranking", "rating"}


@pytest.mark.parametrize("name", ["ranking", "shown", "click", "conversion", "rating"])
def test_a_weight_of_zero_switches_a_loss_off(name: str) -> None:
    weights: dict[str, Any] = {f"{name}_weight": 0.0}
    off = replace(CONFIG, **weights)
    assert name not in found(off, [CLICK, LIKE, RATING], SHOWN)


def test_gbce_is_chosen_by_name_and_another_name_refused() -> None:
    softmax, other = found(CONFIG, [CLICK] * 3), found(replace(CONFIG, loss="gbce"), [CLICK] * 3)
    assert softmax["ranking"] != other["ranking"]
    with pytest.raises(ValueError, match="'bpr': choose one of softmax, gbce"):
        found(replace(CONFIG, loss="bpr"), [CLICK] * 3)
