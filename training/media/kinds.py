"""What an encoder of one kind of media does, whatever the kind: read a file, make vectors of several."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol


class Unreadable(Exception):
    """A file that cannot be read, with the reason."""


class Encoder(Protocol):
    """Files -> vectors, a batch at a time."""

    def read(self, path: Path) -> Any:
        """What is needed of a file. Raises Unreadable."""
        ...

    def vectors(self, given: Sequence[Any]) -> Any:
        """What ``read`` returned for n files -> [n, k] float32."""
        ...
