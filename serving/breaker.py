"""A neighbour's failures -> whether it is asked: after a few in a row it is left alone, then tried once a second.

(Nygard, Release It!, 2007: circuit breaker.) The one request that tries pays for it with its own time; the others fall
back at once.
"""

import time
from collections.abc import Callable

FAILURES = 3  # in a row: one may be chance
REST = 1.0  # seconds between tries


class Breaker:
    """Of one neighbour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures, self._next_try = 0, 0.0

    @property
    def open(self) -> bool:
        """Whether the neighbour is left alone."""
        return self._failures >= FAILURES

    def allows(self) -> bool:
        """Whether to ask it now; where it is left alone, the first to come after each rest may."""
        if self._failures < FAILURES:
            return True
        if self._clock() < self._next_try:
            return False
        self._next_try = self._clock() + REST  # a try that never ends does not keep the next from being made
        return True

    def succeed(self) -> None:
        self._failures = 0

    def fail(self) -> None:
        self._failures += 1
        self._next_try = self._clock() + REST
