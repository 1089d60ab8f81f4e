"""The vectors of the item table: which are of the text that their item has now, and which wait for the encoder.

A vector is a function of the model, the item's id and its content alone, so that every API process has the same one,
before and after a restart: what the bundle has while the text is the one the model was trained with, otherwise what the
encoder makes of the text plus what the model learned of the item beyond its text. An item that the model was not
trained with borrows that from those like it (feature_repo.borrowing). The vector before serves until then. Before
there is any model, zeros are the vectors: scores in process do without.
"""

import time
from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.borrowing import Lenders, borrowed, lenders
from feature_repo.item_table import ItemTable
from feature_repo.item_text import NOTHING
from feature_repo.vocabulary import VECTOR_SIZE

Array = npt.NDArray[Any]


class Trained(NamedTuple):
    """What a model knows of the n items it was trained with."""

    vectors: Array  # [n, VECTOR_SIZE]
    fingerprints: Array | None  # [n] of the texts it read; none in a bundle of before they were kept
    residuals: Array | None  # [n, VECTOR_SIZE] what it learned beyond the text; likewise


class ItemVectors:
    """The only writer of the table's vectors."""

    def __init__(self, table: ItemTable) -> None:
        self.waiting: dict[str, int] = {}  # item_id -> stamp of the first change that its vector lacks; in that order
        self.asked: dict[str, None] = {}  # those of them that a ranking lacked since the last turns
        self.rankable: Callable[[float], None] = lambda seconds: None  # hears how long a change took
        self._table = table
        self._trained: Trained | None = None  # before the first model
        self._lenders: Lenders | None = None
        self._began = time.time_ns() // 1000

    def replace(self, item_ids: Sequence[str], trained: Trained) -> None:
        """Take over another model's vectors; items it does not know, or knew by another text, wait."""
        self._trained, residuals = trained, trained.residuals
        self._lenders = None if residuals is None else lenders(trained.vectors - residuals, residuals)
        made_of = 0 if trained.fingerprints is None else trained.fingerprints
        self._table.replace_vectors(item_ids, trained.vectors, made_of)
        now, made = self._fingerprints()
        encoded = self._table.column("item_encoded")
        made[:] = np.where(encoded & (made == 0), now, made)  # an old bundle does not say: taken to be of this text
        lacking = np.flatnonzero((now != NOTHING) & (now != made))
        ids = [self._table.ids[row] for row in lacking.tolist()]
        self.waiting = {item_id: self.waiting.get(item_id, 0) for item_id in ids}

    def check(self, item_id: str, stamp: int) -> None:
        """The item's content was written: does its vector still fit? ``stamp`` is that of the change."""
        row = self._table.index[item_id]
        now, made = (int(each[row]) for each in self._fingerprints())
        if self._trained is None:
            self._table.put_vectors([item_id], np.zeros((1, VECTOR_SIZE), np.float32))
        elif now in (NOTHING, made):
            self.waiting.pop(item_id, None)
        elif not made and self._table.column("item_encoded")[row]:
            self._table.column("item_vector_fingerprint")[row] = now  # as in replace
        elif (vector := self._known(row, now)) is not None:
            self._put([item_id], vector[None], np.array([now]))
        else:
            self.waiting.setdefault(item_id, stamp)

    def lent(self, encoded: Array) -> Array:
        """What items of these contents [n, VECTOR_SIZE] borrow if they are new; takes time in a large catalogue."""
        return np.zeros_like(encoded) if self._lenders is None else borrowed(encoded, self._lenders)

    def put(self, item_ids: Sequence[str], fingerprints: Array, encoded: Array, lent: Array) -> None:
        """Take over what was made [n, VECTOR_SIZE] of texts with these fingerprints [n], and what is lent to it."""
        self._put(item_ids, encoded + self._residuals(self._table.rows(item_ids), lent), fingerprints)

    def turns(self, count: int, asked_first: bool = True) -> list[str]:
        """Whom to encode next: items that a ranking lacked, then those that wait longest."""
        first = [item_id for item_id in self.asked if item_id in self.waiting] if asked_first else []
        self.asked.clear()
        return list(islice(dict.fromkeys(chain(first, islice(self.waiting, count))), count))

    def postpone(self, item_ids: Sequence[str]) -> None:
        """Have these items wait behind all the others."""
        for item_id in item_ids:
            if item_id in self.waiting:
                self.waiting[item_id] = self.waiting.pop(item_id)

    def _put(self, item_ids: Sequence[str], vectors: Array, fingerprints: Array) -> None:
        self._table.put_vectors(item_ids, vectors, fingerprints)
        now = self._table.column("item_fingerprint")[self._table.rows(item_ids)]
        for item_id, done in zip(item_ids, (now == fingerprints).tolist(), strict=True):
            if done and (stamp := self.waiting.pop(item_id, 0)) >= self._began:
                self.rankable(max(0.0, time.time() - stamp / 1e6))  # a producer's clock may be ahead

    def _known(self, row: int, fingerprint: int) -> Array | None:
        """The model's own vector of the item in this row, where it is of this text."""
        place, trained = int(self._table.column("item_trained")[row]), self._trained
        if not place or trained is None or trained.fingerprints is None:
            return None
        return trained.vectors[place - 1] if int(trained.fingerprints[place - 1]) == fingerprint else None

    def _residuals(self, rows: Array, lent: Array) -> Array:
        """What was learned of the items of these rows, in the place of what is lent to new ones: [n, D]."""
        places = self._table.column("item_trained")[rows]
        residuals = self._trained.residuals if self._trained else None
        if residuals is None or not places.any():
            return lent
        learned: Array = np.where((places > 0)[:, None], residuals[places - 1], lent)
        return learned

    def _fingerprints(self) -> tuple[Array, Array]:
        """Of the texts items have now, and of those their vectors are of."""
        return self._table.column("item_fingerprint"), self._table.column("item_vector_fingerprint")
