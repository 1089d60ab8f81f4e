"""How far what was learned of an item is trusted."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from feature_repo.borrowing import borrowed, lenders
from training.config import TrainConfig
from training.recommender import Recommender, build
from training.shrinkage import settle

ITEMS, TEXT = ["a", "b", "c", "new"], 8
MET = pd.DataFrame({"item_id": ["a"] * 400 + ["b"] * 4 + ["c"] * 4 + ["gone"]})
CATALOGUE: Any = SimpleNamespace(ids=ITEMS)


def recommender(**settings: Any) -> tuple[Recommender, torch.Tensor]:
    torch.manual_seed(0)
    made = build(TrainConfig(**settings), TEXT, torch.zeros(len(ITEMS), 2, dtype=torch.int64))
    made.residual.data.copy_(torch.randn(made.residual.shape))
    return made, torch.randn(len(ITEMS), TEXT)


def settled(events: float, past: pd.DataFrame = MET, **settings: Any) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Residuals before and after, and what the met items lend to the new one."""
    made, text = recommender(**settings)
    before, contents = made.residual.detach().clone(), made.matrix(text, cold_share=1.0)[1:].detach().numpy()
    settle(made, text, past, CATALOGUE, events)
    return before, made.residual.detach(), borrowed(contents[3:], lenders(contents[:3], before[:3].numpy()))[0]


def test_an_item_without_events_has_what_it_borrows_and_nothing_of_its_own() -> None:
    _, after, lent = settled(4.0)
    assert torch.allclose(after[3], torch.from_numpy(lent), atol=1e-5)


def test_the_more_events_an_item_has_the_more_of_its_own_it_keeps() -> None:
    before, after, _ = settled(4.0)
    moved = (after - before).norm(dim=1) / before.norm(dim=1)
    assert moved[0] < 0.05 < moved[1]


def test_an_item_with_as_many_events_as_are_asked_keeps_half() -> None:
    before, half, _ = settled(4.0)
    _, lent, _ = settled(1e9)
    assert torch.allclose(half[1], (before[1] + lent[1]) / 2, atol=1e-4)


@pytest.mark.parametrize("events, past", [(0.0, MET), (4.0, MET[:0])], ids=["none asked", "nothing met"])
def test_residuals_stay_as_they_are_learned(events: float, past: pd.DataFrame) -> None:
    before, after, _ = settled(events, past)
    assert torch.equal(before, after)


def test_a_model_without_residuals_borrows_none() -> None:
    before, after, _ = settled(4.0, without="residual")
    assert torch.equal(before, after)
