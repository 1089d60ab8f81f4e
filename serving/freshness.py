"""How long after an event a ranking could see it."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import Histogram

REMEMBERED = 50_000  # users whose last row is known


class Freshness:
    """Observes, when a ranking meets a user's row for the first time, the event's time -> the row's being there.

    The event is the user's newest; the row can be read from the moment it is written (``user_written_at``).
    """

    def __init__(self, seconds: Histogram) -> None:
        self._seconds = seconds
        self._seen: dict[str, int] = {}

    def see(self, user_id: str, activity: Mapping[str, Any]) -> None:
        """A ranking read this row of ``user_activity``.

        A row of the backfill says nothing of when it was written, that of an emptied session has no event.
        """
        written, newest = activity.get("user_written_at"), activity.get("user_activity_at")
        if not written or not newest or self._seen.pop(user_id, None) == written:
            return
        self._seconds.observe(max(written - newest, 0) / 1000)
        self._seen[user_id] = written
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
