"""Events that wait to be sent, are under way, or are lost. No I/O, no clock."""

import random
from collections import deque
from collections.abc import Sequence

from serving.client.errors import Event, FreshrankError, Lost, NotTaken, QueueFull, Unavailable
from serving.client.retries import Draw, Retries, backoff

PAUSES = Retries(first_wait=0.2, longest_wait=10.0)


class Pending:
    """At most ``most`` events, sent ``batch`` at a time in the order they came."""

    def __init__(self, most: int, batch: int, draw: Draw = random.uniform) -> None:
        self._most, self._batch, self._draw = most, batch, draw
        self._waiting: deque[Event] = deque()
        self._under_way: list[Event] = []
        self._failures = 0  # in a row
        self.lost: list[Lost] = []

    def __len__(self) -> int:
        return len(self._waiting) + len(self._under_way)

    @property
    def full_batch(self) -> bool:
        """Whether there is nothing to linger for."""
        return len(self._waiting) >= self._batch

    def put(self, event: Event) -> None:
        """One more; raises QueueFull."""
        if len(self) >= self._most:
            raise QueueFull(f"{len(self)} events wait to be sent, which is the limit")
        self._waiting.append(event)

    def take(self) -> list[Event]:
        """The next batch, which is under way from now on."""
        self._under_way = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
        return self._under_way

    def settle(self, error: FreshrankError | None) -> float:
        """What came of the batch under way; seconds to wait before the next one.

        What may be taken later waits again, before all others; the rest of what was not taken is lost.
        """
        batch, self._under_way = self._under_way, []
        missing = not_taken(batch, error)
        again = [each.message for each in missing if each.retry]
        self.lost += [each for each in missing if not each.retry]
        self._waiting.extendleft(reversed(again))
        self._failures = self._failures + 1 if again else 0
        asked = error.retry_after if isinstance(error, Unavailable) else 0.0
        return asked + backoff(PAUSES, self._failures, self._draw) if again else 0.0

    def give_up(self, reason: str) -> None:
        """What still waits is lost."""
        self.lost += [Lost(event, reason) for event in self._waiting]
        self._waiting.clear()

    def collect(self) -> list[Lost]:
        """What was lost since this was asked last."""
        lost, self.lost = self.lost, []
        return lost


def not_taken(batch: Sequence[Event], error: FreshrankError | None) -> Sequence[Lost]:
    """Those of a batch that the API did not take."""
    if error is None:
        return ()
    if isinstance(error, NotTaken):
        return error.lost
    return [Lost(event, str(error), isinstance(error, Unavailable)) for event in batch]
