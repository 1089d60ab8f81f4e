"""Users without history, clicks that only the device or only the query explains: both must be learnt from labels."""

import pytest
import torch
from torch import Tensor

from feature_repo.context import context_buckets
from tests.training.test_checkerboard import ITEMS, base, texts
from training.config import TrainConfig
from training.item_tower import fill_vectors
from training.losses import label_losses
from training.queries import query_matrix
from training.recommender import Recommender, build

CONFIG = TrainConfig(layers=1, hidden=16, dropout=0.0)
STEPS, LABELS, CANDIDATES = 40, 32, 8
HELD_OUT = (5, 11)  # an item of each group that is never a positive
Batch = dict[str, Tensor]


def users(count: int) -> Batch:
    """Nobody who did anything; the tensors of the request are still to be filled in."""
    tensors = {name: tensor for name, tensor in base(count, 3).items() if tensor.shape[1:2] != (3,)}
    del tensors["query_vector"]
    nobody = {"history_rows": torch.zeros(count, 64, dtype=torch.int64), "query_rows": torch.zeros(count).long()}
    return tensors | nobody


def on(devices: list[str]) -> Tensor:
    return torch.stack([torch.from_numpy(context_buckets({"device": device, "surface": "home"})) for device in devices])


def learn(positives: Tensor, asking: Batch, text: Tensor) -> Recommender:
    """A recommender, trained on labels [LABELS] against uniform negatives; ``text`` [items + queries, 8]."""
    recommender = build(CONFIG, 8, torch.zeros(ITEMS, 8, dtype=torch.int64))
    optimizer = torch.optim.AdamW(recommender.weights(), lr=0.01)
    for _ in range(STEPS):
        rows = torch.cat([positives[:, None], torch.randint(ITEMS, (len(positives), CANDIDATES))], 1)
        empty = {name: tensor for name, tensor in base(*rows.shape).items() if tensor.shape[1:2] == rows.shape[1:]}
        drawn = torch.where(rows == positives[:, None], 99.0, 0.0)  # the positive itself is no negative
        drawn[:, 0] = 0.0
        candidates = empty | {"rows": rows, "log_draws": drawn}
        matrix, queries = recommender.matrix(text), recommender.queries(text)
        losses = label_losses(recommender.ranker, asking, candidates, matrix, CONFIG, queries)
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    recommender.modules().eval()
    return recommender


@torch.no_grad()
def scores(recommender: Recommender, asking: Batch, text: Tensor) -> Tensor:
    """[users, ITEMS]"""
    count = len(asking["history_rows"])
    inputs = base(count, ITEMS) | asking
    rows = torch.arange(ITEMS).expand(count, -1)
    del inputs["query_vector"]
    matrix, queries = recommender.matrix(text), query_matrix(recommender.tower, text[ITEMS:])
    found: Tensor = recommender.ranker(fill_vectors(inputs, matrix, rows, queries))
    return found


def test_where_only_the_device_decides_what_is_clicked_the_device_is_learnt() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    groups = torch.arange(LABELS) % 2
    asking = users(LABELS) | {"request_context": on([("phone", "tv")[group] for group in groups])}
    recommender = learn(torch.randint(6, (LABELS,)) + 6 * groups, asking, texts(ITEMS))
    asked = users(3) | {"request_context": on(["phone", "tv", "toaster"])}
    phone, tv, toaster = scores(recommender, asked, texts(ITEMS))
    assert phone[:6].min() > phone[6:].max()
    assert tv[6:].min() > tv[:6].max()
    assert toaster.isfinite().all()  # a device nobody trained for


@pytest.fixture(scope="module")
def asked() -> tuple[Recommender, Tensor]:
    """Everybody types the very text of what they click."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    items = torch.tensor([item for item in range(ITEMS) if item not in HELD_OUT])
    positives = items[torch.arange(LABELS) % len(items)]
    text = texts(ITEMS).repeat(2, 1)  # the items' and, behind them, the queries'
    return learn(positives, users(LABELS) | {"query_rows": positives + 1}, text), text


def test_a_query_ranks_up_what_it_names_also_what_nobody_ever_asked_for(asked: tuple[Recommender, Tensor]) -> None:
    recommender, text = asked
    typed = scores(recommender, users(ITEMS) | {"query_rows": torch.arange(ITEMS) + 1}, text)
    silent = scores(recommender, users(1), text)
    own = torch.arange(ITEMS)
    places = (typed > typed[own, own][:, None]).sum(1)
    assert (places[[item for item in range(ITEMS) if item not in HELD_OUT]] == 0).all()
    for item in HELD_OUT:
        assert places[item] < (silent > silent[0, item]).sum()


def test_a_query_without_a_row_is_no_query(asked: tuple[Recommender, Tensor]) -> None:
    recommender, text = asked
    none = scores(recommender, users(1), text)
    assert torch.allclose(none, scores(recommender, users(1), text[:ITEMS]), atol=1e-5)
