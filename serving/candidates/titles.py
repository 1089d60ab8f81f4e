"""The titles of the item table -> those that hold what somebody typed: SQLite's full text search, in memory.

Words count in any case and without accents, the last one as the beginning of a word, and by how rare they are (BM25).
"""

import re
import sqlite3
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable

Array = npt.NDArray[Any]
PART = 500  # titles written while nobody can search
LONGEST = 300  # characters of a title
MOST_WORDS = 16  # of a query
_WORD = re.compile(r"\w+")


class Changed(NamedTuple):
    """Rows of the item table whose content was written since the last look, and their stamps."""

    rows: Array
    stamps: Array


class Titles:
    """Searched by requests while one thread writes."""

    def __init__(self, table: ItemTable) -> None:
        self._table = table
        self._seen = np.zeros(0, np.int64)  # stamp of each row's content that is in here, 0 before
        self._using = Lock()
        self._texts = sqlite3.connect(":memory:", check_same_thread=False)
        self._texts.execute("CREATE VIRTUAL TABLE titles USING fts5(title, tokenize='unicode61 remove_diacritics 2')")

    def close(self) -> None:
        with self._using:
            self._texts.close()

    def look(self) -> Changed:
        """What there is to write; asked by the event loop, which writes the table."""
        now = self._table.column("item_content_stamp")
        self._seen = np.concatenate([self._seen, np.zeros(len(now) - len(self._seen), np.int64)])
        rows = np.flatnonzero(now != self._seen)
        return Changed(rows, now[rows])

    def follow(self, changed: Changed) -> int:
        """Write them; how many that was. Runs in a thread."""
        for start in range(0, len(changed.rows), PART):
            rows = changed.rows[start : start + PART].tolist()
            self._write([(row + 1, self._table.titles[row][:LONGEST]) for row in rows])
        self._seen[changed.rows] = changed.stamps
        return len(changed.rows)

    def search(self, text: str, count: int) -> Array:
        """Rows of up to ``count`` items that can be recommended, all of whose words match before those with some."""
        words = _WORD.findall(text)[:MOST_WORDS]
        if not words:
            return np.zeros(0, np.int64)
        quoted = [f'"{word}"' for word in words]
        quoted[-1] += "*"
        found = [*self._matching(" AND ".join(quoted), count), *self._matching(" OR ".join(quoted), count)]
        rows = np.array(list(dict.fromkeys(found)), np.int64) - 1
        return rows[self._table.rankable(rows)][:count]

    def _matching(self, expression: str, count: int) -> list[int]:
        asked = "SELECT rowid FROM titles WHERE titles MATCH ? ORDER BY rank LIMIT ?"
        with self._using:
            return [row for (row,) in self._texts.execute(asked, (expression, count))]

    def _write(self, titles: Sequence[tuple[int, str]]) -> None:
        with self._using, self._texts:
            self._texts.executemany("INSERT OR REPLACE INTO titles (rowid, title) VALUES (?, ?)", titles)
