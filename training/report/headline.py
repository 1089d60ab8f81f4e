"""Cases -> how well each scorer ranks, with intervals, and how far the model is ahead."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.bootstrap import LEVEL, RESAMPLES, intervals
from training.metrics import CUT, ndcg
from training.report.evidence import MODEL, Evidence

Array = npt.NDArray[Any]
MEASURES = ("ndcg@10", "recall@10", "mrr")


def of_cases(ranks: Array) -> dict[str, Array]:
    """Each measure of each case."""
    return {"ndcg@10": ndcg(ranks), "recall@10": (ranks <= CUT).astype(float), "mrr": 1 / ranks}


def headline(evidence: Evidence) -> dict[str, Any]:
    """Every scorer's measures and the model's lead over it, case by case."""
    columns = {name: of_cases(evidence.ranks(name)) for name in evidence.scorers}
    values = [columns[name][measure] for name in evidence.scorers for measure in MEASURES]
    leads = [columns[MODEL]["ndcg@10"] - columns[name]["ndcg@10"] for name in evidence.scorers]
    found = iter(intervals(np.stack([*values, *leads], 1), evidence.users))
    rows: list[dict[str, Any]] = [
        {"name": name, **{measure: next(found) for measure in MEASURES}} for name in evidence.scorers
    ]
    for row, lead in zip(rows, list(found), strict=True):
        row["model_leads_by"] = None if row["name"] == MODEL else lead
    return {
        "how": "Each case ranks the whole catalogue without what the user has met; the item that came is the one "
        "relevant item. Intervals hold the middle of what resampled users give; the lead is taken case by case.",
        "cases": len(evidence.cases),
        "users": len(np.unique(evidence.users)),
        "items": len(evidence.items),
        "resamples": RESAMPLES,
        "level": LEVEL,
        "scorers": rows,
    }
