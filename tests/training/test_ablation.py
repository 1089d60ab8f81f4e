"""A model without a part is deaf to it, and to nothing else."""

import pytest
import torch

from feature_repo.inputs import tensors
from training.ablation import TENSORS, parts, silenced
from training.config import TrainConfig
from training.example_inputs import ranker_inputs
from training.model import Ranker
from training.recommender import build


def test_parts_name_inputs_of_the_ranker() -> None:
    assert {name for names in TENSORS.values() for name in names} <= {tensor.name for tensor in tensors()}
    assert parts(" gaps, residual") == {"gaps", "residual"} and silenced("") == frozenset()


def test_an_unknown_part_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no clicks to be without: choose among realtime, context, gaps"):
        parts("clicks")


@pytest.mark.parametrize("part", ["realtime", "context", "gaps"])
@torch.no_grad()
def test_a_ranker_without_a_part_does_not_hear_it(part: str) -> None:
    torch.manual_seed(0)
    ranker = Ranker(1, 1, 8, 0.0, silenced=silenced(part)).eval()
    for weight in ranker.parameters():
        weight.normal_(std=0.1)
    given = {name: torch.from_numpy(array) for name, array in ranker_inputs(2, 5).items()}
    others = {name: torch.from_numpy(array) for name, array in ranker_inputs(2, 5, seed=1).items()}
    changed = given | {name: others[name] for name in TENSORS[part]}
    assert torch.equal(ranker(given), ranker(changed))
    ranker.silenced = frozenset()
    assert not torch.equal(ranker(given), ranker(changed))


def test_without_the_residual_items_are_what_is_said_of_them() -> None:
    attributes, text = torch.zeros(4, 8, dtype=torch.int64), torch.ones(4, 6)
    matrix = build(TrainConfig(without="residual"), 6, attributes).matrix(text)[1:]
    assert torch.equal(matrix, matrix[:1].expand(4, -1))
    whole = build(TrainConfig(), 6, attributes).matrix(text)[1:]
    assert not torch.equal(whole, whole[:1].expand(4, -1))
