"""What is measured of a variant, and when it is refused."""

from dataclasses import replace

import numpy as np
import pytest

from training.trial import difference, rank_correlation
from training.variants import Measured, page, refusals

EXACT = Measured("ranker", "fp32", 1_000_000, 0.4, 0.20, 0.0, 1.0)
SMALL = replace(EXACT, variant="int8", bytes=400_000, milliseconds=0.3, difference=0.05, rank_correlation=0.99)


def test_a_variant_that_ranks_as_well_is_not_refused() -> None:
    assert refusals([EXACT, SMALL, replace(SMALL, ndcg=0.1970)]) == ["", "", ""]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ndcg": 0.19}, "ranker as int8 has NDCG@10 0.1900, fp32 0.2000: more than 2% less"),
        ({"difference": 0.11}, "ranker as int8 differs by 0.11, more than 0.1"),
        ({"difference": float("nan")}, "ranker as int8 differs by nan, more than 0.1"),
        ({"variant": "fp16"}, "ranker as fp16 differs by 0.05, more than 0.01"),
    ],
)
def test_a_variant_that_ranks_worse_or_computes_something_else_is_refused(
    changed: dict[str, float], reason: str
) -> None:
    worse = replace(SMALL, **changed)  # type: ignore[arg-type]
    assert refusals([EXACT, worse]) == ["", reason]
    assert reason in page([EXACT, worse]) and "refused" in page([EXACT, worse])


def test_each_model_is_held_against_its_own_fp32() -> None:
    encoder = replace(EXACT, model="item_encoder", ndcg=0.1)
    assert refusals([EXACT, encoder, replace(SMALL, model="item_encoder", ndcg=0.1)]) == ["", "", ""]


def test_differences_are_in_units_of_the_largest_number_above_one() -> None:
    assert difference(np.array([0.5, 0.1]), np.array([0.5, 0.2])) == pytest.approx(0.1)
    assert difference(np.array([9.0, 1.0]), np.array([10.0, 1.0])) == pytest.approx(0.1)


def test_rank_correlation_is_of_orders_and_not_of_numbers() -> None:
    expected = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    assert rank_correlation(np.exp(expected), expected) == pytest.approx(1.0)
    assert rank_correlation(-expected, expected) == pytest.approx(-1.0)
