"""Interactions before and after a cutoff -> what a baseline may be fitted on: rows of the catalogue, users, times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from training.cases import Case
from training.samples import Catalogue

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Past:
    """Interactions with items of the catalogue, in time order."""

    users: Array  # [events] numbers of users
    rows: Array  # [events] rows of the catalogue
    times: Array  # [events] epoch ms
    later_rows: Array  # after the cutoff, for those that count along: only before a case's time
    later_times: Array
    texts: Sequence[str]  # of the catalogue [n]

    @property
    def size(self) -> int:
        """Items of the catalogue."""
        return len(self.texts)


def past_of(past: pd.DataFrame, later: pd.DataFrame, catalogue: Catalogue) -> Past:
    """The past of a window's interactions."""
    before, after = _known(past, catalogue), _known(later, catalogue)
    return Past(
        pd.factorize(before.user_id)[0],
        before.row.to_numpy(),
        before.timestamp.to_numpy(float),
        after.row.to_numpy(),
        after.timestamp.to_numpy(float),
        catalogue.texts,
    )


def _known(events: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    rows = events.item_id.map(catalogue.index)
    return events.assign(row=rows)[rows.notna()].astype({"row": int})


def users_by_items(past: Past) -> sp.csr_matrix:
    """Who met what [users, n], ones; a repeat counts once."""
    shape = (int(past.users.max(initial=-1)) + 1, past.size)
    met = sp.csr_matrix((np.ones(len(past.rows), np.float32), (past.users, past.rows)), shape)
    met.data[:] = 1.0
    return met


def histories(cases: Sequence[Case], size: int, last: int = 0) -> sp.csr_matrix:
    """What the users of some cases met before [cases, n], ones; the ``last`` events only, or all of them."""
    seen = [case.seen[-last:] for case in cases]
    bounds = np.cumsum([0, *map(len, seen)])
    matrix = sp.csr_matrix((np.ones(bounds[-1], np.float32), np.concatenate(seen), bounds), (len(cases), size))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
