"""An approximate index of item vectors: usearch's HNSW graph (Malkov and Yashunin, 2016), by rows of the item table.

Vectors are kept in 8 bits, and more rows than wanted are given: whoever asks puts them in order by the true vectors.
"""

from collections.abc import Iterator
from threading import Event, Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from usearch.index import Index

from feature_repo.vocabulary import VECTOR_SIZE

Array = npt.NDArray[Any]
PART = 16  # rows written while nobody can search: about two milliseconds in a million
BULK = 1000  # rows written at once before anybody searches
EXTRA = 1.5  # rows given for each that is wanted


class Graph:
    """Searched by the requests while one thread writes: usearch wants them apart when it grows."""

    def __init__(self) -> None:
        self._index = Index(ndim=VECTOR_SIZE, metric="cos", dtype="i8", expansion_add=64, expansion_search=128)
        self._writing = Lock()

    def __len__(self) -> int:
        return len(self._index)

    def build(self, rows: Array, vectors: Array, stopping: Event) -> None:
        """Take in vectors [n, D] before the first search; leaves off when ``stopping`` is set."""
        for part in parts(len(rows), BULK):
            if stopping.is_set():
                return
            self._index.add(rows[part].astype(np.uint64), vectors[part], threads=1)

    def put(self, rows: Array, vectors: Array) -> None:
        """Take in new or changed vectors [n, D]."""
        for part in parts(len(rows), PART):
            with self._writing:
                self._index.remove(rows[part].astype(np.uint64))
                self._index.add(rows[part].astype(np.uint64), vectors[part], threads=1)

    def drop(self, rows: Array) -> None:
        """Forget these rows, those among them that are here."""
        for part in parts(len(rows), PART):
            with self._writing:
                self._index.remove(rows[part].astype(np.uint64))

    def search(self, direction: Array, count: int) -> Array:
        """About EXTRA times ``count`` rows near a direction [D]."""
        with self._writing:
            found = self._index.search(direction, int(count * EXTRA), threads=1)
        return np.asarray(found.keys, np.int64)


def parts(count: int, size: int) -> Iterator[slice]:
    """The whole of ``count`` rows in slices of at most ``size``."""
    return (slice(start, start + size) for start in range(0, count, size))
