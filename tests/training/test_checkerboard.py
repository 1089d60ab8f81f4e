"""A game whose answer is known: two groups of users, two groups of items; the withheld diagonal must win."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from training.batches import Data
from training.config import TrainConfig
from training.example_inputs import ranker_inputs
from training.held_out import HeldOut
from training.item_tower import fill_vectors
from training.loop import fit
from training.recommender import Recommender, as_tensors, build

ITEMS, LENGTH = 12, 64  # items 0-5 are of group 0, 6-11 of group 1
CONFIG = TrainConfig(layers=1, hidden=16, epochs=6, windows=16, labels=32, learning_rate=0.01, warmup=1, dropout=0.0)


@dataclass
class FixedTexts:
    """A text cache nobody tunes."""

    vectors: Tensor

    def refresh(self) -> None: ...

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: dict[str, Tensor]) -> None: ...


def texts(items: int) -> Tensor:
    """One word per group and a little of each item's own."""
    torch.manual_seed(1)
    groups = torch.eye(2).repeat_interleave(items // 2, 0)
    return torch.cat([groups, 0.1 * torch.randn(items, 6)], 1)


def users(withheld: Tensor, repeats: int = 4) -> Tensor:
    """Rows + 1 of what each user met: the own group in random order without the withheld item, [users, 5]."""
    rows = []
    for user in range(ITEMS * repeats):
        group = torch.arange(6) + 6 * (user % ITEMS // 6)
        rows.append(group[group != withheld[user % ITEMS]][torch.randperm(5)] + 1)
    return torch.stack(rows)


def base(count: int, candidates: int) -> dict[str, Tensor]:
    tensors = {name: array * 0 for name, array in ranker_inputs(count, candidates).items()}
    del tensors["history_vectors"], tensors["item_vectors"]
    return as_tensors(tensors)


def histories(met: Tensor) -> dict[str, Tensor]:
    rows = torch.zeros(len(met), LENGTH, dtype=torch.int64)
    rows[:, -met.shape[1] :] = met
    gaps = torch.arange(LENGTH, 0, -1).float().expand(len(met), -1) * 60
    return {"history_rows": rows, "history_actions": 3 * (rows > 0), "history_gaps": gaps.clone()}


def windows(met: Tensor) -> dict[str, Tensor]:
    made = histories(met)
    clock = {name: torch.zeros(made["history_rows"].shape) for name in ("request_hour", "request_weekday")}
    order = torch.arange(LENGTH).expand(len(met), -1)
    return made | clock | {"history_order": order, "user_attributes": torch.zeros(len(met), 8, dtype=torch.int64)}


@pytest.fixture(scope="module")
def trained() -> tuple[Recommender, Tensor]:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    met = users(torch.arange(ITEMS))
    fresh = (histories(met)["history_rows"] > 0) & (torch.arange(LENGTH) > LENGTH - 5)
    negatives = torch.stack([torch.randperm(ITEMS)[:8] for _ in met])
    rows = torch.cat([met[:, -1:] - 1, negatives], 1)
    labels = base(len(met), rows.shape[1])
    candidates = {name: tensor for name, tensor in labels.items() if tensor.shape[1:2] == rows.shape[1:]}
    known = {name: tensor for name, tensor in labels.items() if name not in candidates} | histories(met[:, :-1])
    data = Data(
        known, candidates | {"rows": rows, "log_draws": torch.zeros(rows.shape)}, windows(met) | {"fresh": fresh}
    )
    recommender = build(CONFIG, 8, torch.zeros(ITEMS, 8, dtype=torch.int64))
    fit(recommender, FixedTexts(texts(ITEMS)), data, HeldOut(), CONFIG.epochs, CONFIG)  # type: ignore[arg-type]
    recommender.modules().eval()
    return recommender, texts(ITEMS)


@torch.no_grad()
def scores(recommender: Recommender, matrix: Tensor, met: Tensor) -> Tensor:
    inputs = base(len(met), len(matrix) - 1) | histories(met)
    return recommender.ranker(
        fill_vectors(inputs, matrix, torch.arange(len(matrix) - 1).expand(len(met), -1))
    )  # [users, items]


def test_the_withheld_item_wins(trained: tuple[Recommender, Tensor]) -> None:
    recommender, text = trained
    met = users(torch.arange(ITEMS), repeats=1)
    found = scores(recommender, recommender.matrix(text).detach(), met)
    unseen = found.scatter(1, met - 1, -torch.inf)
    assert (unseen.argmax(1) == torch.arange(ITEMS)).all()


def test_a_new_item_ranks_by_its_text(trained: tuple[Recommender, Tensor]) -> None:
    recommender, text = trained
    new = texts(4)  # two items of each group that nobody ever met
    with torch.no_grad():
        vectors = recommender.tower(new, torch.zeros(4, 8, dtype=torch.int64))
        matrix = torch.cat([recommender.matrix(text), vectors])
    met = users(torch.arange(ITEMS), repeats=1)
    found = scores(recommender, matrix, met)[:, ITEMS:]
    of_group = torch.arange(ITEMS) // 6
    assert (found.argmax(1) // 2 == of_group).all()
