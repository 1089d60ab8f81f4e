"""What a new item takes over of those like it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.borrowing import LENDERS, PART, borrowed, lenders
from feature_repo.vocabulary import VECTOR_SIZE


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_an_item_borrows_most_of_the_one_that_is_most_like_it() -> None:
    contents, residuals = drawn(0, 50, VECTOR_SIZE), np.eye(50, VECTOR_SIZE, dtype=np.float32)
    lent = borrowed(contents[7:8] * 1.01, lenders(contents, residuals))[0]
    assert lent.argmax() == 7 and lent[7] > 0.9
    assert np.count_nonzero(lent) == LENDERS and abs(lent.sum() - 1) < 1e-5


def test_nobody_borrows_of_himself() -> None:
    contents, residuals = drawn(0, 50, VECTOR_SIZE), np.eye(50, VECTOR_SIZE, dtype=np.float32)
    lent = borrowed(contents, lenders(contents, residuals), np.arange(50))
    assert not np.diagonal(lent).any()


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(0, 5))
def test_what_is_borrowed_lies_between_what_is_lent(seed: int, known: int, asked: int) -> None:
    residuals = drawn(seed, known, VECTOR_SIZE)
    lent = borrowed(drawn(seed + 1, asked, VECTOR_SIZE), lenders(drawn(seed + 2, known, VECTOR_SIZE), residuals))
    assert lent.shape == (asked, VECTOR_SIZE)
    assert (lent <= residuals.max(0) + 1e-5).all() and (lent >= residuals.min(0) - 1e-5).all()


def test_many_items_borrow_as_each_would_alone() -> None:
    asked, lending = drawn(0, PART + 3, 4), lenders(drawn(1, 20, 4), drawn(2, 20, 4))
    together = borrowed(asked, lending)
    assert np.allclose(together[[0, PART - 1, PART, PART + 2]], borrowed(asked[[0, PART - 1, PART, PART + 2]], lending))


def test_where_nobody_can_lend_nothing_is_borrowed() -> None:
    assert not borrowed(drawn(0, 3, 4), lenders(drawn(1, 1, 4), drawn(2, 1, 4))).any()
