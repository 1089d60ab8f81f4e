"""How several orders become one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.candidates.fuse import fuse

ORDERS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(st.integers(0, 30), unique=True))


def test_what_is_first_everywhere_counts_one_and_what_one_order_lacks_less() -> None:
    fused = fuse({"a": np.array([4, 2]), "b": np.array([4, 3])})
    assert fused.rows.tolist()[0] == 4 and fused.scores[0] == pytest.approx(1.0)
    assert set(fused.rows[1:].tolist()) == {2, 3} and fused.scores[1] < 0.5


def test_an_item_is_owed_to_the_order_that_has_it_highest() -> None:
    fused = fuse({"a": np.array([1, 2, 3]), "b": np.array([3, 9])})
    assert dict(zip(fused.rows.tolist(), fused.sources, strict=True)) == {1: "a", 2: "a", 3: "b", 9: "b"}


@given(ORDERS)
def test_every_item_comes_once_by_falling_score(orders: dict[str, list[int]]) -> None:
    fused = fuse({name: np.array(rows, np.int64) for name, rows in orders.items()})
    assert sorted(fused.rows.tolist()) == sorted({row for rows in orders.values() for row in rows})
    assert (np.diff(fused.scores) <= 1e-12).all() and (fused.scores <= 1 + 1e-9).all()


@given(st.lists(st.integers(0, 30), unique=True, min_size=1))
def test_one_order_stays_as_it_is(rows: list[int]) -> None:
    assert fuse({"a": np.array(rows)}).rows.tolist() == rows
