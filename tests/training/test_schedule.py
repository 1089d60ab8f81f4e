import random

import numpy as np
import pytest
import torch

from training.optimizer import adamw
from training.schedule import pace, seed_everything, seed_of


def test_the_learning_rate_rises_in_a_line_and_falls_in_half_a_cosine() -> None:
    assert pace(5, 10, 1000, 0.1) == pytest.approx(0.5, rel=0.01)
    assert pace(500, 10, 1000, 0.1) == pytest.approx(0.55)
    assert pace(1000, 10, 1000, 0.1) == pytest.approx(0.1)
    falling = [pace(step, 10, 1000, 0.1) for step in range(10, 1001, 10)]
    assert falling == sorted(falling, reverse=True)


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(1))


def test_a_seed_repeats_what_python_numpy_and_torch_draw() -> None:
    seed_everything(seed_of(0, 3))
    first = draws()
    seed_everything(seed_of(0, 3))
    assert draws() == first
    seed_everything(seed_of(0, 4))
    assert draws() != first


def test_neither_biases_norms_nor_scalars_decay() -> None:
    layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3), torch.nn.Embedding(4, 3))
    decaying, others = adamw(layers.parameters(), 0.1, 0.01).param_groups
    assert [each.dim() for each in decaying["params"]] == [2, 2] and decaying["weight_decay"] == 0.01
    assert [each.dim() for each in others["params"]] == [1, 1, 1] and others["weight_decay"] == 0.0
