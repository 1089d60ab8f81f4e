"""The places of the largest numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.candidates.top import top


@given(st.lists(st.floats(-9, 9), max_size=60), st.integers(0, 70))
def test_the_largest_come_first(values: list[float], count: int) -> None:
    found = top(np.array(values), count)
    assert [values[place] for place in found] == sorted(values, reverse=True)[:count]
    assert len(set(found.tolist())) == len(found)


@pytest.mark.parametrize("size", [1600, 5003])
@pytest.mark.parametrize("kinds", [3, 10**9])
def test_among_many_the_same_are_found(size: int, kinds: int) -> None:
    values = np.random.default_rng(size).integers(0, kinds, size)
    assert values[top(values, 20)].tolist() == sorted(values.tolist(), reverse=True)[:20]


def test_of_equal_numbers_the_first_come() -> None:
    assert top(np.array([1.0, 2.0, 2.0, 1.0]), 3).tolist() == [1, 2, 0]
