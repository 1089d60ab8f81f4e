"""Users as they were when they were last read, for rankings while the online store is away."""

import time
from collections import OrderedDict
from collections.abc import Callable

from serving.user_features import UserRows

KEPT_MS = 3_600_000  # an hour: older tastes are told from the items alone


class LastKnown:
    """Rows of the users that were read last, at most ``most`` of them."""

    def __init__(self, most: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._kept: OrderedDict[str, tuple[float, UserRows]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, key: str, rows: UserRows) -> None:
        """Remember what was read just now."""
        self._kept[key] = self._clock(), rows
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, key: str) -> UserRows | None:
        """The rows, unless they are too old or forgotten."""
        at, rows = self._kept.get(key, (0.0, None))
        return rows if rows is not None and (self._clock() - at) * 1000 < KEPT_MS else None

    def forget(self, key: str) -> None:
        """Remember nothing of this user or session."""
        self._kept.pop(key, None)
