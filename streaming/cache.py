"""The rows a worker has lately read or written; the least recently used one makes room."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class RowCache(Generic[Value]):
    """At most ``size`` values, read in one batch when they are missing, optionally forgotten after ``keep_s``."""

    def __init__(
        self, read: Callable[[list[str]], Mapping[str, Value]], size: int, keep_s: float = float("inf")
    ) -> None:
        self._read, self._size, self._keep_s = read, size, keep_s
        self._values: dict[str, tuple[float, Value]] = {}

    def get_all(self, keys: Iterable[str]) -> dict[str, Value]:
        """The values of these keys; one that is neither here nor in the store is not in the answer."""
        wanted, now = dict.fromkeys(keys), time.monotonic()
        known = {key: entry[1] for key in wanted if (entry := self._values.get(key)) and now - entry[0] < self._keep_s}
        missing = [key for key in wanted if key not in known]
        found = self._read(missing) if missing else {}
        self.put_all(found)
        return {**known, **found}

    def put_all(self, values: Mapping[str, Value]) -> None:
        """Remember values as the most recent ones."""
        now = time.monotonic()
        for key, value in values.items():
            self._values.pop(key, None)
            self._values[key] = (now, value)
        while len(self._values) > self._size:
            del self._values[next(iter(self._values))]

    def clear(self) -> None:
        """Forget everything: somebody else may write these rows from now on."""
        self._values.clear()

    def __len__(self) -> int:
        return len(self._values)
