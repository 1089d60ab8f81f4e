"""The direction that candidates are looked for in, against what the ranker's vectors say of them."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from feature_repo.inputs import asking_tensors, user_inputs
from feature_repo.vocabulary import VECTOR_SIZE
from training.example_inputs import Arrays, asking_inputs, ranker_inputs
from training.model import Ranker
from training.onnx_models import export_user_encoder
from training.parity import check_parity
from training.user_encoder import UserEncoder

ITEMS = 40


def ranker(scorer: str, silenced: frozenset[str] = frozenset()) -> Ranker:
    torch.manual_seed(3)
    made = Ranker(1, 2, 8, 0.0, scorer=scorer, silenced=silenced).eval()
    with torch.no_grad():
        for weights in made.scorer.parameters():
            weights.add_(torch.randn_like(weights) * 0.3)
    return made


def asked(lengths: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Two users, of whom the first is a stranger, and a catalogue whose items have these lengths."""
    items = torch.nn.functional.normalize(torch.randn(ITEMS, VECTOR_SIZE), dim=-1) * lengths
    inputs = {name: torch.from_numpy(array) for name, array in ranker_inputs(2, ITEMS).items()}
    inputs["history_vectors"] = items[torch.randint(ITEMS, (2, 64))] * (inputs["history_actions"] > 0)[..., None]
    return inputs | {"item_vectors": items.expand(2, -1, -1)}, items


@torch.no_grad()
@pytest.mark.parametrize("scorer", ["dot", "bilinear"])
def test_items_of_one_length_lie_along_it_in_the_order_of_the_rankers_vectors(scorer: str) -> None:
    made = ranker(scorer)
    inputs, items = asked(torch.full((ITEMS, 1), 0.7))
    along = UserEncoder(made, items)(inputs) @ items.T
    said = made.by_vectors(inputs)
    assert torch.equal(along.argsort(1), said.argsort(1))
    bias = 0.0 if made.scorer.bias is None else made.scorer.bias
    ratios = (said - bias) / along
    torch.testing.assert_close(ratios, ratios[:, :1].expand_as(ratios), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_items_of_several_lengths_are_found_by_it_all_the_same() -> None:
    made = ranker("dot")
    inputs, items = asked(0.5 + torch.rand(ITEMS, 1) * 0.3)
    along = UserEncoder(made, items)(inputs) @ torch.nn.functional.normalize(items, dim=-1).T
    best = made.by_vectors(inputs).topk(5).indices
    for found, wanted in zip(along.topk(15).indices.tolist(), best.tolist(), strict=True):
        assert set(wanted) <= set(found)


@torch.no_grad()
def test_a_part_that_was_left_out_of_the_ranker_changes_no_direction() -> None:
    made = ranker("dot", silenced=frozenset({"history_gaps"}))
    inputs, items = asked(torch.ones(ITEMS, 1))
    encoder = UserEncoder(made, items)
    other = inputs | {"history_gaps": inputs["history_gaps"] + 1e5}
    assert torch.equal(encoder(inputs), encoder(other))
    assert not torch.equal(encoder(inputs), encoder(inputs | {"request_hour": inputs["request_hour"] + 1}))


def test_the_exported_one_computes_the_same_and_takes_what_says_who_asks(tmp_path: Path) -> None:
    encoder, path = UserEncoder(ranker("bilinear"), torch.randn(ITEMS, VECTOR_SIZE)).eval(), tmp_path / "user.onnx"
    export_user_encoder(encoder, path)
    rows: list[Arrays] = [asking_inputs(batch) for batch in (1, 3)]
    assert check_parity(encoder, path, rows) < 1e-4
    session = onnxruntime.InferenceSession(str(path))
    assert sorted(each.name for each in session.get_inputs()) == [tensor.name for tensor in asking_tensors()]
    lengths = np.linalg.norm(session.run(["user_vector"], asking_inputs(3))[0], axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_what_says_who_asks_is_what_user_inputs_fills() -> None:
    filled = user_inputs({}, {}, 0, lambda ids: np.zeros((len(ids), VECTOR_SIZE), np.float32))
    assert sorted(filled) == [tensor.name for tensor in asking_tensors()]
