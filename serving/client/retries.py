"""When to ask again: how often, how long to wait in between, and when to give up.

Waits are drawn between nothing and a bound that doubles ("full jitter": clients that failed together do not come back
together), on top of what ``Retry-After`` asks for.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

AGAIN = frozenset({429, 502, 503, 504})
Outcome = httpx.Response | httpx.TransportError
Draw = Callable[[float, float], float]


@dataclass(frozen=True)
class Retries:
    """Bounds of asking again; every call of the client may be repeated without harm."""

    attempts: int = 4  # the first one counts
    first_wait: float = 0.1  # seconds; bound of the first wait, doubled for each later one
    longest_wait: float = 2.0  # seconds, Retry-After apart
    patience: float = 10.0  # seconds for all of it: no attempt begins later


USUAL, ONCE = Retries(), Retries(attempts=1)


class Patience:
    """What is left of them for one call."""

    def __init__(
        self, retries: Retries, clock: Callable[[], float] = time.monotonic, draw: Draw = random.uniform
    ) -> None:
        self._retries, self._clock, self._draw = retries, clock, draw
        self._made, self._until = 0, clock() + retries.patience

    def wait(self, outcome: Outcome) -> float | None:
        """Seconds until the next attempt; None where this outcome stands."""
        self._made += 1
        if not worth_it(outcome) or self._made >= self._retries.attempts:
            return None
        wait = asked_for(outcome) + backoff(self._retries, self._made, self._draw)
        return wait if self._clock() + wait <= self._until else None


def worth_it(outcome: Outcome) -> bool:
    """Whether another attempt may fare better."""
    return isinstance(outcome, httpx.TransportError) or outcome.status_code in AGAIN


def backoff(retries: Retries, failures: int, draw: Draw = random.uniform) -> float:
    """Seconds to wait after so many failures in a row, from 1."""
    return draw(0.0, min(retries.first_wait * 2 ** min(failures - 1, 30), retries.longest_wait))


def asked_for(outcome: Outcome) -> float:
    """Seconds that an answer asks to wait: its ``Retry-After``, a number or a date; 0 where it asks for nothing."""
    said = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
    try:
        return max(float(said), 0.0)
    except ValueError:
        return _until(said)


def _until(date: str) -> float:
    try:
        when = parsedate_to_datetime(date)
    except ValueError:  # nothing, or nothing that HTTP knows
        return 0.0
    return max((when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
