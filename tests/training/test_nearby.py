"""Lists of near items, what they say of candidates, and how much that counts."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.neighbours import NEAR, SPANS, Neighbours, nearness
from training.item_neighbours import KEPT, alike, item_neighbours, together
from training.nearby import Nearby, steps_of
from training.stacking import Parts, worth


def lists(size: int = 6, seed: int = 0) -> Neighbours:
    draw = np.random.default_rng(seed)
    rows = np.stack([[draw.permutation(size)[:3] for _ in range(size)] for _ in range(2)]).astype(np.int32)
    rows[0, 0, 2] = -1
    return Neighbours(rows, np.where(rows < 0, 0, draw.random(rows.shape)).astype(np.float32))


@given(st.lists(st.integers(-1, 5), max_size=5), st.lists(st.integers(-1, 5), min_size=1, max_size=6))
def test_nearness_is_the_weighted_mean_over_what_was_met(history: list[int], candidates: list[int]) -> None:
    neighbours, found = lists(), nearness(lists(), np.array(history, int), np.array(candidates))
    for place, candidate in enumerate(candidates):
        for number in range(NEAR):
            kind, span = divmod(number, len(SPANS))
            shares = {
                since: 2 ** (-since / SPANS[span])
                for since in range(len(history))
                if history[len(history) - 1 - since] >= 0
            }
            total = 0.0
            for since, share in shares.items():
                met = history[len(history) - 1 - since]
                hit = neighbours.rows[kind, met] == candidate
                total += share * neighbours.weights[kind, met][hit & (candidate >= 0)].sum() / sum(shares.values())
            assert np.isclose(found[place, number], total, atol=1e-6)


def test_items_of_the_same_users_are_near() -> None:
    users, items = np.array([0, 0, 1, 1, 2, 2, 2]), np.array([0, 1, 0, 1, 2, 3, 2])
    rows, weights = together(users, items, 5)
    assert rows[0, 0] == 1 and rows[2, np.argmax(weights[2])] == 3
    assert weights.max() <= 1 and (rows[4] == -1).all()


def test_items_of_like_texts_are_near_and_none_is_its_own_neighbour() -> None:
    text = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], np.float32)
    rows, weights = alike(text)
    assert rows[0, np.argmax(weights[0])] == 1
    assert all(place not in near for place, near in enumerate(rows.tolist()))


def test_lists_hold_the_nearest_of_a_large_catalogue() -> None:
    draw = np.random.default_rng(1)
    text = draw.normal(size=(1500, 8)).astype(np.float32)
    found = item_neighbours(draw.integers(0, 50, 4000), draw.integers(0, 1500, 4000), text)
    unit = (text - text.mean(0)) / np.linalg.norm(text - text.mean(0), axis=1, keepdims=True)
    similar = unit @ unit[1300]
    similar[1300] = -1
    best = set(np.argsort(-similar)[:KEPT].tolist()) & set(np.flatnonzero(similar > 1e-6).tolist())
    assert set(found.rows[1, 1300].tolist()) - {-1} == best


def test_weights_grow_where_nearness_tells_what_comes_and_nowhere_else() -> None:
    draw = torch.Generator().manual_seed(0)
    cases = []
    for _ in range(300):
        near, noise = torch.rand(20, NEAR, generator=draw), torch.randn(20, generator=draw)
        affinity = torch.randn(20, generator=draw)
        gumbel = -torch.empty(20).exponential_(generator=draw).log()
        target = int((2 * affinity + 8 * near[:, 0] + gumbel).argmax())
        cases.append(Parts(affinity, noise, steps_of(near), target))
    found = worth(cases)
    assert found.after < found.before - 0.3
    assert found.numbers < 0.2  # noise
    nearby = Nearby()
    nearby.weights.data.copy_(found.near)
    gains = nearby(torch.eye(NEAR)[None])[0]
    assert gains.argmax() == 0 and 2 < gains[0] < 6 and gains[1:].abs().max() < 1.5


def test_nothing_is_near_for_an_unknown_user() -> None:
    assert not nearness(lists(), np.full(4, -1), np.arange(6)).any()
    assert not nearness(None, np.arange(4), np.arange(6)).any()
