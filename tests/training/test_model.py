"""The ranker on its own: what may and what may not change a score."""

import pytest
import torch
from torch import Tensor

from training.example_inputs import ranker_inputs
from training.history import HistoryEncoder, lags_of
from training.item_tower import ItemTower, item_matrix
from training.model import Ranker


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    torch.manual_seed(0)
    made = Ranker(layers=2, heads=2, hidden=16, dropout=0.1).eval()
    for weight in made.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)  # the cross network starts silent
    return made


def inputs(batch: int, items: int) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in ranker_inputs(batch, items).items()}


@torch.no_grad()
def test_a_user_without_history_gets_finite_scores(ranker: Ranker) -> None:
    given = inputs(1, 5)
    assert not given["history_actions"].any()
    assert ranker(given).isfinite().all()


@torch.no_grad()
def test_no_candidate_changes_the_score_of_another(ranker: Ranker) -> None:
    given = inputs(2, 6)
    part = {name: tensor[:, 2:4] if tensor.shape[1] == 6 else tensor for name, tensor in given.items()}
    assert torch.allclose(ranker(given)[:, 2:4], ranker(part), atol=1e-5)


@torch.no_grad()
def test_what_lies_in_the_padding_does_not_matter(ranker: Ranker) -> None:
    given = inputs(2, 4)
    given["history_actions"][:, :40] = 0
    changed = dict(given)
    changed["history_vectors"] = given["history_vectors"].clone()
    changed["history_vectors"][:, :39] += 100.0
    similar = [name for name in given if name != "history_vectors"]
    assert all(changed[name] is given[name] for name in similar)
    encoded = [
        ranker.history(each["history_vectors"], each["history_actions"], each["history_gaps"])
        for each in (given, changed)
    ]
    assert torch.allclose(*encoded, atol=1e-4)


@torch.no_grad()
def test_the_newest_state_alone_equals_the_last_of_all_states() -> None:
    torch.manual_seed(0)
    encoder = HistoryEncoder(layers=2, heads=2, dropout=0.1).eval()
    given = inputs(3, 1)
    arguments = given["history_vectors"], given["history_actions"], given["history_gaps"]
    assert torch.allclose(encoder(*arguments), encoder(*arguments, last_only=False)[:, -1], atol=1e-5)


@torch.no_grad()
def test_a_state_does_not_know_what_came_later() -> None:
    torch.manual_seed(0)
    encoder = HistoryEncoder(layers=2, heads=2, dropout=0.1).eval()
    given = inputs(2, 1)
    actions, gaps = given["history_actions"], given["history_gaps"].sort(descending=True).values
    later = given["history_vectors"].clone()
    later[:, -1] = 7.0
    before, after = (encoder(vectors, actions, gaps, last_only=False) for vectors in (given["history_vectors"], later))
    assert torch.allclose(before[:, :-1], after[:, :-1])
    assert not torch.allclose(before[1, -1], after[1, -1])


def test_a_cold_item_has_the_vector_of_its_text_and_none_is_zero() -> None:
    tower, residual = ItemTower(text_size=3), torch.ones(2, 64)
    text, attributes = torch.rand(2, 3), torch.tensor([[5, 0], [6, 7]])
    matrix = item_matrix(tower, residual, text, attributes, torch.tensor([True, False]))
    assert not matrix[0].any()
    assert torch.allclose(matrix[1], tower(text, attributes)[0])
    assert torch.allclose(matrix[2], tower(text, attributes)[1] + 1)


@torch.no_grad()
def test_the_time_between_two_entries_changes_what_is_attended(ranker: Ranker) -> None:
    given = inputs(2, 4)
    given["history_actions"][:] = 1
    gaps = torch.arange(63, -1, -1).float().expand(2, -1)
    soon, later = (
        ranker.history(given["history_vectors"], given["history_actions"], gaps + torch.tensor(waited) * (gaps > 9))
        for waited in (0.0, 1e6)
    )
    assert not torch.allclose(soon, later, atol=1e-3)


def test_lags_end_at_what_came_next_and_at_now() -> None:
    lags = lags_of(torch.tensor([[10.0, 7.0, 1.0]]))
    assert lags[0, 2].tolist() == [3, 3, 1]  # log2 of 1 + 10, 7, 1 seconds before now
    assert lags[0, 0].tolist()[0] == 2  # the second entry came three seconds after the first
