"""Each head learns what its actions say, and only what has weight is blended."""

from typing import Any

import pytest
import torch
from torch import Tensor

from feature_repo.vocabulary import ACTION_CODE
from training.config import TrainConfig
from training.heads import ActionHeads, blend_of, targets, taught, teachable

CODES = {name: torch.tensor(code) for name, code in ACTION_CODE.items()}


def learn(heads: ActionHeads, name: str, loss: object, target: Tensor, affinity: Tensor, features: Tensor) -> Tensor:
    optimizer = torch.optim.Adam(heads.parameters(), 0.1)
    for _ in range(100):
        error = loss(heads(name, affinity, features), target)  # type: ignore[operator]
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    said: Tensor = heads(name, affinity, features).detach()
    return said


def test_each_head_learns_its_own_signal() -> None:
    torch.manual_seed(0)
    heads, affinity, features = ActionHeads(3, {"click": 1.0}), torch.randn(200, 1), torch.randn(200, 1, 3)
    converted = (features[..., 1] + affinity > 0).float()
    stars = 3 + features[..., 2] - 0.5 * affinity
    heads.fit_ratings(stars)
    bce, mse = torch.nn.functional.binary_cross_entropy_with_logits, torch.nn.functional.mse_loss
    said = learn(heads, "conversion", bce, converted, affinity, features)
    assert ((said > 0) == converted.bool()).float().mean() > 0.95
    said = learn(heads, "rating", mse, heads.standardised(stars), affinity, features)
    assert torch.allclose(said * heads.rating_deviation + heads.rating_mean, stars, atol=0.1)


def test_a_blend_is_the_weighted_sum_of_its_heads() -> None:
    torch.manual_seed(0)
    affinity, features = torch.randn(2, 4), torch.randn(2, 4, 3)
    heads = ActionHeads(3, {"click": 1.0, "rating": 0.5, "conversion": 0.0})
    for weight in heads.parameters():
        torch.nn.init.normal_(weight)
    expected = heads("click", affinity, features) + 0.5 * heads("rating", affinity, features)
    assert torch.allclose(heads.blended(affinity, features), expected)


def test_heads_without_weight_get_no_gradient() -> None:
    heads = ActionHeads(3, {"click": 1.0, "conversion": 0.0})
    heads.blended(torch.randn(2, 4), torch.randn(2, 4, 3)).sum().backward()  # type: ignore[no-untyped-call]
    assert heads.tops["click"].weight.grad is not None
    assert heads.tops["conversion"].weight.grad is None and heads.tops["rating"].weight.grad is None


def test_labels_teach_the_heads_of_their_actions() -> None:
    def taught(*actions: str) -> frozenset[str]:
        return teachable(torch.stack([CODES[action] for action in actions]))

    assert taught("click") == {"click"}
    assert taught("purchase") == {"click"}  # no click that was not bought: nothing to tell apart
    assert taught("click", "cart") == {"click", "conversion"}
    assert taught("rating") == {"click", "rating"}


def test_only_ratings_with_a_value_are_targets() -> None:
    rows: list[dict[str, Any]] = [
        {"action": "rating", "value": 4.0},
        {"action": "rating"},
        {"action": "click", "value": 1.0},
    ]
    found = targets(rows)
    assert found["label_action"].tolist() == [ACTION_CODE["rating"], 0, ACTION_CODE["click"]]
    assert found["label_value"].tolist() == [4.0, 0.0, 0.0]


def test_heads_that_no_label_teaches_are_switched_off_and_ratings_get_their_units() -> None:
    heads, stars = ActionHeads(3, {"click": 1.0}), torch.tensor([1.0, 3.0, 5.0])
    users = {"label_action": CODES["rating"].repeat(3), "label_value": stars}
    config = taught(TrainConfig(), heads, users)
    assert (config.conversion_weight, config.rating_weight, config.click_weight) == (0.0, 0.1, 0.1)
    assert heads.standardised(stars).mean().abs() < 1e-6 and heads.rating_mean == 3.0


def test_a_blend_of_a_head_that_nothing_teaches_is_refused() -> None:
    with pytest.raises(ValueError, match="head_weights has conversion, but the snapshot has no labels"):
        taught(TrainConfig(), ActionHeads(3, {"conversion": 1.0}), {"label_action": CODES["click"].repeat(2)})


def test_weights_of_heads_are_read_from_text() -> None:
    assert blend_of("click=1, rating=0.5") == {"click": 1.0, "rating": 0.5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("clicks=1", "'clicks' is no head, choose of click, conversion, rating"),
        ("click=much", "click needs a number"),
        ("click=0", "at least one weight must not be 0"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        blend_of(text)
