"""rows that are no message -> a file of them, each with its reason."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Rejects:
    """An open file of JSON lines; there is none as long as nothing was rejected."""

    def __init__(self, path: Path) -> None:
        self.path, self.count, self.first = path, 0, ""
        self._file: Any = None
        path.unlink(missing_ok=True)

    def of(self, table: str) -> Callable[[int, str, Mapping[str, Any]], None]:
        """What takes the rejected rows of one table."""
        return partial(self.add, table)

    def add(self, table: str, row: int, reason: str, fields: Mapping[str, Any]) -> None:
        """Write down one row of a table and why it was left out."""
        self._file = self._file or self.path.open("wb")
        self.first = self.first or f"row {row} of {table}: {reason}"
        self._file.write(_encode({"table": table, "row": row, "reason": reason, "fields": fields}) + b"\n")
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()
