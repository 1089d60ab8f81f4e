"""Rows that cannot be read -> rejects.jsonl, each with its reason."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from training.datasets.chunks import Reject

FILE = "rejects.jsonl"
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Rejected:
    """An open file of JSON lines; there is none as long as nothing was rejected."""

    def __init__(self, folder: Path) -> None:
        self.path, self.count, self.first = folder / FILE, 0, ""
        self._file: Any = None
        self.path.unlink(missing_ok=True)

    def of(self, table: str) -> Reject:
        """What takes the rejected rows of one table."""
        return lambda row, reason, fields: self.add(table, row, reason, fields)

    def add(self, table: str, row: int, reason: str, fields: Mapping[str, Any]) -> None:
        """Write down one row of a table and why it was left out."""
        self._file = self._file or self.path.open("wb")
        self._file.write(_encode({"table": table, "row": row, "reason": reason, "fields": fields}) + b"\n")
        self.first, self.count = self.first or f"row {row} of {table}: {reason}", self.count + 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()
