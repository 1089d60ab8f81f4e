"""Pure: a token bucket kept as one number, the time at which it would be full again.

The generic cell rate algorithm (ITU-T I.371): nothing has to be filled while nobody asks.
"""


def take(full_at: float, now: float, per_second: float, burst: float) -> tuple[float, float]:
    """One token of a bucket of ``burst`` tokens that gains ``per_second``: when it is full again, and how long to wait.

    Times in seconds. With a wait above 0 no token was taken, and one asked for after it will be there.
    """
    full_at = max(full_at, now)
    wait = full_at - now - (burst - 1) / per_second
    return (full_at, wait) if wait > 0 else (full_at + 1 / per_second, 0.0)
