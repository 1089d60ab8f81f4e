"""A write that fails is done again, until the store is given up."""

import asyncio
from collections.abc import Callable

import pytest
from redis.exceptions import ConnectionError as RedisAway

from streaming import retry
from streaming.retry import StoreAway, insist


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT_S", 0.0)


def failing(times: int, error: Exception) -> Callable[[], int]:
    """An action that fails this often and then says how often it was called."""
    calls = []

    def action() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return len(calls)

    return action


@pytest.mark.parametrize("error", [RedisAway("gone"), OSError("disk")])
def test_a_store_that_comes_back_in_time_gets_the_write(error: Exception) -> None:
    assert asyncio.run(insist(failing(3, error), "writing", 4)) == 4


def test_a_store_that_stays_away_is_given_up_with_the_reason() -> None:
    with pytest.raises(StoreAway, match="writing failed 3 times, the last time with: gone"):
        asyncio.run(insist(failing(3, RedisAway("gone")), "writing", 3))


def test_a_mistake_of_ours_is_not_tried_again() -> None:
    action = failing(1, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        asyncio.run(insist(action, "writing", 5))
    assert action() == 2


def test_no_attempt_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="retries must be positive"):
        asyncio.run(insist(failing(0, OSError()), "writing", 0))
