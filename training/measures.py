"""What scorers made of cases -> their metrics: of ranks with bounds over users, of what is on top, of scores."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.areas import auc, gauc
from training.bootstrap import intervals
from training.evaluation import MODEL, Evaluation
from training.metrics import CUT, ndcg, summary
from training.recommended import breadth

Array = npt.NDArray[Any]
Table = dict[str, dict[str, float]]


def measured(found: Evaluation, counts: Array, vectors: Array) -> Table:
    """Metrics per scorer; training events [n] and vectors [n, D] of the catalogue say what is popular and alike.

    What cannot be said (the diversity of lists of one item) is left out.
    """
    users = np.array([case.user_id for case in found.cases])
    table = {name: summary(ranks) | bounds(ranks, users) for name, ranks in found.ranks.items()}
    for name, tops in found.tops.items():
        table[name] |= breadth(tops, counts, vectors)
    table[MODEL] |= areas(found, users)
    return {name: {key: value for key, value in row.items() if np.isfinite(value)} for name, row in table.items()}


def bounds(ranks: list[float], users: Array) -> dict[str, float]:
    """95 % bounds of NDCG, recall and MRR, by resampling users; none for a single user."""
    places = np.asarray(ranks)
    names = (f"ndcg@{CUT}", f"recall@{CUT}", "mrr")
    found = intervals(np.stack([ndcg(places), places <= CUT, 1 / places], 1), users)
    sides = {f"{name}_{side}": each[side] for name, each in zip(names, found, strict=True) for side in ("low", "high")}
    return {name: value for name, value in sides.items() if value is not None}


def areas(found: Evaluation, users: Array) -> dict[str, float]:
    """AUC of the model over the scored candidates: all together, and within users."""
    sizes = [len(rows) for rows in found.sampled]
    scores, labels = np.concatenate(found.scores), np.concatenate([np.arange(size) == 0 for size in sizes])
    owners = np.unique(users, return_inverse=True)[1].repeat(sizes)
    return {"auc": auc(scores, labels), "gauc": gauc(scores, labels, owners)} if len(scores) else {}
