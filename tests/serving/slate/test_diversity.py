"""MMR and DPP."""

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from feature_repo.unit import unit
from serving.slate.diversity import Diversity, diversify, dpp, mmr, relevance
from serving.slate.slate import Array, Given, Slate
from tests.serving.slate.catalogue import slates

some = settings(max_examples=40, deadline=None)
METHODS = [Diversity("mmr"), Diversity("dpp")]
seeds, amounts = st.integers(0, 1000), st.floats(0.05, 0.95)


def pool(seed: int, n: int = 7, d: int = 4) -> tuple[Array, Array]:
    draw = np.random.default_rng(seed)
    return relevance(draw.normal(size=n)), unit(draw.normal(size=(n, d)))


@pytest.mark.parametrize("stage", METHODS, ids=repr)
@some
@drawn(slates())
def test_without_diversity_the_order_is_by_score(stage: Diversity, drawn_: tuple[Slate, Given]) -> None:
    slate, about = drawn_
    plain = Given(about.table, about.rows, about.now_ms, about.k, diversity=0)
    assert diversify(slate, plain, stage).places.tolist() == slate.places.tolist()


@pytest.mark.parametrize("pick", [mmr, dpp])
@some
@drawn(seeds)
def test_next_to_none_is_the_order_by_score_too(pick: object, seed: int) -> None:
    relevant, vectors = pool(seed)
    assert pick(relevant, vectors, 1e-9, 7) == np.argsort(-relevant).tolist()  # type: ignore[operator]


@some
@drawn(seeds, amounts)
def test_every_step_of_mmr_takes_the_best_by_its_definition(seed: int, amount: float) -> None:
    relevant, vectors = pool(seed)
    picked = mmr(relevant, vectors, amount, 7)
    assert sorted(picked) == list(range(7))
    for step in range(1, 7):
        worth = {
            each: (1 - amount) * relevant[each] - amount * (vectors[picked[:step]] @ vectors[each]).max()
            for each in picked[step:]
        }
        assert worth[picked[step]] == pytest.approx(max(worth.values()))


@some
@drawn(seeds, amounts)
def test_every_step_of_dpp_takes_the_largest_determinant(seed: int, amount: float) -> None:
    relevant, vectors = pool(seed, d=9)
    likeness = (1 + vectors @ vectors.T) / 2
    picked = dpp(relevant, vectors, amount, 5)

    def worth(chosen: list[int]) -> float:
        determinant = np.linalg.slogdet(likeness[np.ix_(chosen, chosen)])[1]
        return float((1 - amount) * relevant[chosen].sum() + amount * determinant)

    for step in range(5):
        others = [each for each in range(7) if each not in picked[:step]]
        assert worth(picked[: step + 1]) == pytest.approx(max(worth([*picked[:step], each]) for each in others))


@pytest.mark.parametrize("pick", [mmr, dpp])
def test_of_two_that_are_alike_the_second_waits(pick: object) -> None:
    vectors = unit(np.array([[1.0, 0], [1, 0.01], [0, 1]]))
    assert pick(np.array([1.0, 0.99, 0.9]), vectors, 0.5, 3) == [0, 2, 1]  # type: ignore[operator]


@pytest.mark.parametrize("pick", [mmr, dpp])
@pytest.mark.parametrize("vectors", [np.zeros((5, 4)), unit(np.ones((5, 4)))], ids=["none", "all alike"])
def test_items_without_a_vector_or_all_alike_are_no_reason_to_fail(pick: object, vectors: Array) -> None:
    picked = pick(np.linspace(1, 0, 5), vectors, 0.5, 5)  # type: ignore[operator]
    assert sorted(picked) == list(range(5))


def test_scores_that_are_all_equal_are_equally_relevant() -> None:
    assert relevance(np.ones(3)).tolist() == [0, 0, 0]
