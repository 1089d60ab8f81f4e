"""The time a request has, counted from its arrival; every stage gets a part of what is left of it.

What is not given to a neighbour is kept for going on without it: a light score, the slate, the answer.
"""

import time

READ = 0.3  # of what is left: reading the user, which takes half a millisecond when all is well
AIM = 0.3  # the direction that candidates are looked for in: what it lacks, what was met last says
ENCODE = 0.3  # encoding a query that was never asked before, beside the read
INFER = 0.8  # the inference, which comes last


class Budget:
    """So many milliseconds from now on."""

    __slots__ = ("_ends", "ms")

    def __init__(self, ms: float) -> None:
        self.ms = ms
        self._ends = time.perf_counter() + ms / 1000

    def left(self) -> float:
        """Seconds until the deadline, 0 once it has passed."""
        return max(0.0, self._ends - time.perf_counter())

    def share(self, part: float) -> float:
        """Seconds a stage may take that gets this part of what is left."""
        return part * self.left()

    def spent(self) -> float:
        """Milliseconds since the request arrived."""
        return self.ms - (self._ends - time.perf_counter()) * 1000
