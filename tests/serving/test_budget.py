"""The time of a request: shared out, never exceeded."""

from hypothesis import given
from hypothesis import strategies as st

from serving.budget import ENCODE, INFER, READ, Budget


@given(st.floats(0.001, 10_000), st.floats(0, 1))
def test_a_share_is_never_more_than_what_is_left(ms: float, part: float) -> None:
    budget = Budget(ms)
    before = budget.left()
    share = budget.share(part)
    assert 0 <= share <= part * before <= part * ms / 1000


def test_a_budget_that_is_spent_has_nothing_left() -> None:
    budget = Budget(0)
    assert budget.left() == 0 and budget.share(1) == 0 and budget.spent() > 0


def test_neighbours_that_use_up_their_parts_leave_time_for_the_answer() -> None:
    assert max(READ, ENCODE) < 1 and INFER < 1  # the query is encoded beside the read
    assert 1 - (max(READ, ENCODE) + (1 - max(READ, ENCODE)) * INFER) > 0.1
