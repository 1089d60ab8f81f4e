"""When a neighbour is left alone, and when it is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from serving.breaker import FAILURES, REST, Breaker


def failed(times: int, now: list[float]) -> Breaker:
    breaker = Breaker(lambda: now[0])
    for _ in range(times):
        breaker.fail()
    return breaker


def test_a_single_failure_changes_nothing() -> None:
    breaker = failed(FAILURES - 1, [0.0])
    assert breaker.allows() and not breaker.open


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = failed(FAILURES - 1, [0.0])
    breaker.succeed()
    breaker.fail()
    assert breaker.allows()


def test_after_failures_in_a_row_one_try_a_rest_is_made() -> None:
    now = [0.0]
    breaker = failed(FAILURES, now)
    assert not breaker.allows()
    now[0] = REST
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    now[0] = 2 * REST
    assert breaker.allows(), "the try before never ended"


def test_a_try_that_succeeds_lets_all_others_through() -> None:
    breaker = failed(FAILURES + 5, [0.0])
    breaker.succeed()
    assert all(breaker.allows() for _ in range(3)) and not breaker.open


@given(st.lists(st.floats(0.001, 5.0), min_size=1, max_size=100))
def test_a_neighbour_that_stays_away_is_tried_at_most_once_a_rest(steps: list[float]) -> None:
    now = [0.0]
    breaker, tries = failed(FAILURES, now), 0
    for step in steps:
        now[0] += step
        if breaker.allows():
            tries += 1
            breaker.fail()
    assert tries <= now[0] / REST + 1e-6
