"""The item table -> the nearest items of a direction: exact, or in a large catalogue by a graph that follows it.

What has changed is found by comparing columns with what was last seen of them, so no writer of the table knows of it.
Until a graph is built (minutes for a million items), and for another model's vectors, the exact search answers.
"""

from threading import Event
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from serving.candidates import exact
from serving.candidates.exact import Found
from serving.candidates.graph import Graph

Array = npt.NDArray[Any]


class Seen(NamedTuple):
    """The table at one moment: views of its columns, taken by the event loop, read by a thread."""

    model: int  # version of the model whose vectors these are
    vectors: Array  # [n, VECTOR_SIZE]
    encoded: Array  # [n] whether there is a vector
    available: Array  # [n]
    fingerprints: Array  # [n] of what a vector was made of

    def content(self) -> Array:
        """What each vector was made of, 0 where there is none or it may not be found: [n]."""
        return np.where(self.encoded & self.available, self.fingerprints | 1, 0)


class Built(NamedTuple):
    """A graph, and what it was built of."""

    model: int
    content: Array  # [n]
    graph: Graph


class Nearest:
    """The search, and the graph behind it; ``exact_up_to`` items need none."""

    def __init__(self, table: ItemTable, exact_up_to: int) -> None:
        self._table, self._exact_up_to = table, exact_up_to
        self.stopping = Event()  # whoever waits for the end of a graph's construction need not
        self._model = -1
        self._content = np.zeros(0, np.int64)  # as it was last seen
        self._inverse = np.zeros(0, np.float32)  # one over the length of each vector
        self._graph: Graph | None = None
        self._built: Built | None = None  # the next one, not in use yet
        self._in_graph = np.zeros(0, np.int64)  # of each row: what its vector in the graph was made of

    @property
    def slow(self) -> bool:
        """Whether a search takes milliseconds."""
        return self._graph is None and len(self._table) > self._exact_up_to

    @property
    def in_graph(self) -> int:
        """How many items are searched by a graph; 0 while all are multiplied."""
        return 0 if self._graph is None else len(self._graph)

    def search(self, direction: Array, count: int) -> Found:
        """The ``count`` nearest items that can be recommended, to a direction [VECTOR_SIZE] of length one."""
        inverse, graph, vectors = self._inverse, self._graph, self._table.column("item_vectors")
        if not len(inverse):
            return exact.NOTHING
        if graph is None:
            known = slice(len(inverse))  # what is newer is seen at the next look
            return exact.search(vectors[known], inverse, self._table.rankable(known), direction, count)
        rows = graph.search(direction, count)
        rows = rows[rows < len(inverse)]  # it may have grown since
        found = exact.search(vectors[rows], inverse[rows], self._table.rankable(rows), direction, count)
        return Found(rows[found.rows], found.cosines)

    def look(self, model: int) -> Seen:
        """What there is to follow now; asked by the event loop, which writes the table."""
        column = self._table.column
        made = column("item_encoded"), column("item_available"), column("item_vector_fingerprint")
        return Seen(model, column("item_vectors"), *made)

    def follow(self, seen: Seen) -> int:
        """Take over what has changed since the last time; how many rows that was. Runs in a thread."""
        if seen.model != self._model:  # its vectors are other numbers: a graph of the old ones would mislead
            self._graph, self._content = None, np.zeros(0, np.int64)
        content = seen.content()
        changed = np.flatnonzero(content != _padded(self._content, len(content)))
        inverse = _padded(self._inverse, len(content))
        inverse[changed] = exact.inverse_lengths(seen.vectors[changed])
        self._inverse, self._content, self._model = inverse, content, seen.model
        self._follow_graph(seen, content)
        return len(changed)

    def _follow_graph(self, seen: Seen, content: Array) -> None:
        if self._built and self._built.model == seen.model:
            self._in_graph, self._graph = self._built.content, self._built.graph
        self._built = None
        if self._graph is None:
            return
        changed = np.flatnonzero(content != _padded(self._in_graph, len(content)))
        here = content[changed] != 0
        self._graph.drop(changed[~here])
        self._graph.put(changed[here], seen.vectors[changed[here]])
        self._in_graph = content

    def grow(self, seen: Seen) -> None:
        """Build a graph for the next ``follow``, where the catalogue wants one. In a thread of its own, for minutes."""
        if self._graph is not None or self._built or len(seen.vectors) <= self._exact_up_to:
            return
        content, inverse = seen.content(), self._inverse
        rows = np.flatnonzero((content[: len(inverse)] != 0) & (inverse[: len(content)] > 0))  # zeros: no model yet
        if len(rows) > self._exact_up_to:
            graph = Graph()
            graph.build(rows, seen.vectors[rows], self.stopping)
            self._built = Built(seen.model, content, graph)


def _padded(values: Array, size: int) -> Array:
    """The values [m] and zeros behind them: a copy [size]."""
    padded = np.zeros(size, values.dtype)
    padded[: len(values)] = values
    return padded
