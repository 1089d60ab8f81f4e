"""When a call is made again, how long it waits, and when it stands."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.client.retries import AGAIN, Patience, Retries, asked_for, backoff, worth_it
from tests.serving.client.served import away

RETRIES = Retries(attempts=3, first_wait=1.0, longest_wait=8.0, patience=20.0)


def patience(retries: Retries = RETRIES) -> Patience:
    return Patience(retries, clock=lambda: 0.0, draw=lambda low, high: high)


@pytest.mark.parametrize("status", sorted(AGAIN))
def test_an_overloaded_api_is_asked_again(status: int) -> None:
    assert worth_it(httpx.Response(status))


@pytest.mark.parametrize("status", [200, 400, 401, 404, 422, 500])
def test_other_answers_stand(status: int) -> None:
    assert patience().wait(httpx.Response(status)) is None


def test_a_lost_connection_is_tried_again_with_longer_waits_and_then_stands() -> None:
    tried, lost = patience(), httpx.ConnectError("refused")
    assert [tried.wait(lost) for _ in range(3)] == [1.0, 2.0, None]


def test_what_retry_after_asks_for_is_waited_and_the_jitter_on_top() -> None:
    assert patience().wait(away("7")) == 8.0


def test_a_wait_beyond_patience_is_not_begun() -> None:
    assert patience().wait(away("19.5")) is None


def test_retry_after_may_be_a_date() -> None:
    asked = asked_for(away(format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)))
    assert 90 < asked <= 100


@pytest.mark.parametrize("said", ["soon", "-3", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000"])
def test_a_retry_after_of_the_past_or_of_no_sense_asks_for_nothing(said: str) -> None:
    assert asked_for(away(said)) == 0.0


@given(st.integers(1, 2000))
def test_a_wait_never_passes_its_bounds(failures: int) -> None:
    assert 0.0 <= backoff(RETRIES, failures) <= RETRIES.longest_wait
