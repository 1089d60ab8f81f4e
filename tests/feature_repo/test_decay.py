"""The decay formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.decay import decayed, weight
from feature_repo.vocabulary import HALF_LIVES

HOUR = HALF_LIVES["1h"]
ages = st.integers(0, 30 * 86_400_000)


def test_an_event_one_half_life_old_counts_half() -> None:
    assert [weight(HOUR * n, HOUR) for n in range(4)] == [1, 0.5, 0.25, 0.125]


def test_an_event_of_the_future_counts_once() -> None:
    assert weight(-5, HOUR) == 1


def test_a_counter_reads_half_a_half_life_later() -> None:
    assert decayed([8.0, 2.0], 1000, 1000 + HOUR, HOUR).tolist() == [4, 1]


def test_counters_of_many_rows_decay_from_their_own_times() -> None:
    values = decayed([[8.0, 4.0], [8.0, 4.0]], [0, HOUR], HOUR, HOUR)
    assert values.tolist() == [[4, 2], [8, 4]]


@given(ages, ages, st.floats(0, 1e6))
def test_decaying_in_two_steps_is_decaying_once(first: int, second: int, value: float) -> None:
    halfway = decayed([value], 0, first, HOUR)
    assert decayed(halfway, first, first + second, HOUR) == pytest.approx(decayed([value], 0, first + second, HOUR))
