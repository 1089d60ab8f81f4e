"""The titles of the item table -> those that hold what somebody typed: SQLite's full text search, in memory.

Words count in any case and without accents, the last one as the beginning of a word, and by how rare they are (BM25).
"""

import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from math import inf
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable

Array = npt.NDArray[Any]
PART = 500  # titles written while nobody can search
LONGEST = 300  # characters of a title
MOST_WORDS = 8  # of a query
MATCHES = 2000  # titles looked at for a word; one that more titles have says nothing
STEPS = 10_000  # of SQLite's machine between two looks at the time
_WORD = re.compile(r"\w+")


class Titles:
    """Searched by requests while one thread writes."""

    def __init__(self, table: ItemTable) -> None:
        self._table = table
        self._seen = np.zeros(0, np.int64)  # stamp of each row's content that is in here, 0 before
        self._using, self._ends = Lock(), inf
        self._texts = sqlite3.connect(":memory:", check_same_thread=False)
        self._texts.execute("CREATE VIRTUAL TABLE titles USING fts5(title, tokenize='unicode61 remove_diacritics 2')")
        self._texts.set_progress_handler(self._late, STEPS)

    def close(self) -> None:
        with self._using:
            self._texts.close()

    def look(self) -> Array:
        """Stamps [n] of what there is to follow now; asked by the event loop, which writes the table."""
        return self._table.column("item_content_stamp")

    def follow(self, stamps: Array) -> int:
        """Write the titles that have changed since the last time; how many that was. Runs in a thread."""
        now = stamps.copy()
        rows = np.flatnonzero(now != np.concatenate([self._seen, np.zeros(len(now) - len(self._seen), np.int64)]))
        for start in range(0, len(rows), PART):
            part = rows[start : start + PART].tolist()
            self._write([(row + 1, self._table.titles[row][:LONGEST]) for row in part])
        self._seen = now
        return len(rows)

    def search(self, text: str, count: int, seconds: float = 10.0) -> Array:
        """Rows of up to ``count`` items that can be recommended, those with all of the words before those with some.

        Raises TimeoutError.
        """
        words = list(dict.fromkeys(_WORD.findall(text)))[:MOST_WORDS]
        if not words:
            return np.zeros(0, np.int64)
        quoted = [f'"{word}"' for word in words]
        quoted[-1] += "*"
        with self._using:
            self._ends = time.perf_counter() + seconds
            found = _by_rank([self._matching(" AND ".join(quoted))])
            if len(found) < count and len(words) > 1:
                found += _by_rank([self._matching(word) for word in quoted])
        rows = np.array(list(dict.fromkeys(found)), np.int64) - 1
        return rows[self._table.rankable(rows)][:count]

    def _matching(self, expression: str) -> list[tuple[int, float]]:
        asked = "SELECT rowid, rank FROM titles WHERE titles MATCH ? LIMIT ?"
        try:
            return self._texts.execute(asked, (expression, MATCHES)).fetchall()
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise TimeoutError("the titles took too long to search") from error
            raise

    def _late(self) -> bool:
        return time.perf_counter() > self._ends

    def _write(self, titles: Sequence[tuple[int, str]]) -> None:
        with self._using, self._texts:
            self._ends = inf
            self._texts.executemany("INSERT OR REPLACE INTO titles (rowid, title) VALUES (?, ?)", titles)


def _by_rank(found: Sequence[Sequence[tuple[int, float]]]) -> list[int]:
    """Row ids by the sum of their ranks, which are better the lower."""
    ranks: defaultdict[int, float] = defaultdict(float)
    for row, rank in chain.from_iterable(found):
        ranks[row] += rank
    return sorted(ranks, key=lambda row: (ranks[row], row))
