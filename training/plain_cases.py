"""Interactions alone -> the cases of a window without features, and whole histories: what a sequence model reads."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.cases import Case, cases_among
from training.samples import Catalogue
from training.window import MIN_SEEN, ROLL

Array = npt.NDArray[Any]


def plain_cases(past: pd.DataFrame, events: pd.DataFrame, catalogue: Catalogue) -> list[Case]:
    """The cases that ``walk`` makes of the same events, each with what its user met before."""
    learned = set(past.item_id)
    before = past[past.item_id.isin(catalogue.index)]
    seen = {user_id: rows.tolist() for user_id, rows in before.item_id.map(catalogue.index).groupby(before.user_id)}
    chosen = cases_among(events, {user_id: len(rows) for user_id, rows in seen.items()}, learned, ROLL, MIN_SEEN)
    cases = []
    for event, is_case in zip(events.itertuples(), chosen, strict=True):
        user_id, item_id = str(event.user_id), str(event.item_id)
        met, row = seen.setdefault(user_id, []), catalogue.index.get(item_id, -1)
        if is_case:
            cases.append(Case(user_id, item_id, row, np.array(met, np.int64), int(event.timestamp), {}, {}))
        if row >= 0:
            met.append(row)
    return cases


def histories_of(found: pd.DataFrame, catalogue: Catalogue) -> list[Array]:
    """Rows of the catalogue that each user met, oldest first."""
    rows = found.item_id.map(catalogue.index)
    known = rows.notna()
    return [each.to_numpy(np.int64) for _, each in rows[known].groupby(found.user_id[known])]
