"""Many item ids -> their rows of a table at once, where a dict would look one after the other up.

Looking ids up is waiting for memory. A dict waits for its slot, its entry, the id in it and the number in turn, a
hundred times a ranking. Here ids are known by their 64-bit hashes, kept in buckets of a cache line, and numpy reads the
buckets of all ids together: two thirds of the time with 3,000 items, less than a third with a million
(`benchmarks.ids`).

The hash (Python's of text: SipHash with a key of the process) stands for the id. That one of a hundred unknown ids is
taken for one of a million known ones happens once in 10^11 questions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SLOTS = 8  # of a bucket
FULL = 3  # ids a bucket has on the average, at most: of those, one in 500 or so finds its bucket full


class IdRows:
    """The rows 0, 1, 2, ... of ids, in the order in which these came."""

    def __init__(self) -> None:
        self.lay_out([])

    def put(self, item_ids: Sequence[str]) -> None:
        """The last of these ids, which are all there are, is a new one."""
        if len(item_ids) > FULL * len(self._used):
            self.lay_out(item_ids)
            return
        key, row = hash(item_ids[-1]), len(item_ids) - 1
        bucket = key & (len(self._used) - 1)
        slot = int(self._used[bucket])
        hashes, rows, beyond = self._known
        if slot == SLOTS:
            beyond[item_ids[-1]] = row
            return
        hashes[bucket, slot], self._used[bucket] = key, slot + 1
        rows[bucket, slot] = row + 1  # last: a thread that reads meanwhile finds the id or does not

    def rows(self, item_ids: Sequence[str]) -> Array:
        """Rows [n], -1 for an unknown id."""
        hashes, rows, beyond = self._known
        keys = np.fromiter(map(hash, item_ids), np.int64, len(item_ids))
        buckets = keys & (len(rows) - 1)
        found: Array = np.add.reduce((hashes.take(buckets, 0) == keys[:, None]) * rows.take(buckets, 0), 1) - 1
        if beyond:
            for place in (found < 0).nonzero()[0].tolist():
                found[place] = beyond.get(item_ids[place], -1)
        return found

    def lay_out(self, item_ids: Sequence[str]) -> None:
        """Buckets for these ids, which are all there are, and for half as many again at least."""
        count = 1 << (len(item_ids) // 2).bit_length()
        keys = np.fromiter(map(hash, item_ids), np.int64, len(item_ids))
        buckets = keys & (count - 1)
        order = buckets.argsort(kind="stable")
        slots = np.empty_like(order)
        slots[order] = np.arange(len(order)) - buckets[order].searchsorted(buckets[order])
        fits = slots < SLOTS
        hashes, rows = np.zeros((count, SLOTS), np.int64), np.zeros((count, SLOTS), np.int32)  # rows from 1, 0 is none
        hashes[buckets[fits], slots[fits]] = keys[fits]
        rows[buckets[fits], slots[fits]] = fits.nonzero()[0] + 1
        beyond = {item_ids[row]: row for row in (~fits).nonzero()[0].tolist()}  # whose buckets are full
        self._used = np.minimum(np.bincount(buckets, minlength=count), SLOTS)
        self._known = hashes, rows, beyond  # in one step: other threads read
