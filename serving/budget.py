"""The time a request has, counted from its arrival; every stage asks what is left of it."""

import time


class Budget:
    """So many milliseconds from now on."""

    __slots__ = ("_ends", "ms")

    def __init__(self, ms: float) -> None:
        self.ms = ms
        self._ends = time.perf_counter() + ms / 1000

    def left(self) -> float:
        """Seconds until the deadline, 0 once it has passed."""
        return max(0.0, self._ends - time.perf_counter())

    def spent(self) -> float:
        """Milliseconds since the request arrived."""
        return self.ms - (self._ends - time.perf_counter()) * 1000
