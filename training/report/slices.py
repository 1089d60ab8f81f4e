"""Cases -> the same measure for parts of them: users, items, categories, times and contexts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.metrics import ndcg
from training.bootstrap import intervals
from training.report.evidence import MODEL, Evidence

Array = npt.NDArray[Any]
USER_EVENTS = {"0": 1, "1–4": 5, "5–19": 20, "20–99": 100, "100 and more": np.inf}  # name: events below
ITEM_EVENTS = {"0": 1, "1–10": 11, "11–100": 101, "more than 100": np.inf}
HEAD, MIDDLE = 0.5, 0.9  # shares of all training events that the most popular items hold together
HOURS = {f"{begin:02}–{begin + 2:02} h": begin + 3 for begin in range(0, 24, 3)}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HEAD_HOW = (
    f"Head: the most popular items that hold {HEAD:.0%} of the training events together; middle: up to {MIDDLE:.0%}; "
    "tail: the rest; new: no training event."
)
CONTEXTS = ("device", "surface", "country", "referrer")
MOST = 12  # values of a slice that are shown, those with the most cases


def slices(evidence: Evidence) -> dict[str, Any]:
    """Tables of all slices that these cases have."""
    cases = evidence.cases
    parts = [
        ("Item popularity", popularity_classes(evidence), HEAD_HOW),
        ("Category of what came", cases["target_category"], "The item's first category; those with the most cases."),
        ("Hour of the day", binned(cases["hour"], HOURS), "UTC."),
        ("Day of the week", days(cases["weekday"]), "UTC."),
    ]
    parts += [(f"Context: {name}", cases[name], "As the request said.") for name in CONTEXTS if name in cases]
    return _section(evidence, "NDCG@10 of the cases of each part.", parts)


def cold_start(evidence: Evidence) -> dict[str, Any]:
    """Tables of how much a user did before, and how often the item that came was met before."""
    cases = evidence.cases
    parts = [
        ("Users by events before", binned(cases["history_length"], USER_EVENTS), "Of the user, up to the case."),
        ("Items by events before", binned(cases["target_events"], ITEM_EVENTS), "Of the item that came."),
    ]
    return _section(evidence, "NDCG@10 where little is known. Nothing is retrained for these cases.", parts)


def _section(evidence: Evidence, how: str, parts: Sequence[tuple[str, "pd.Series[Any]", str]]) -> dict[str, Any]:
    return {"how": how, "baselines": evidence.scorers[1:], "tables": [table(evidence, *part) for part in parts]}


def binned(numbers: "pd.Series[Any]", bins: Mapping[str, float]) -> "pd.Series[Any]":
    """The name of each number's bin, in the order of the bins."""
    edges = [-np.inf, *bins.values()]
    return pd.Series(pd.cut(numbers, edges, right=False, labels=list(bins)), index=numbers.index)


def days(numbers: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.Series(pd.Categorical.from_codes(numbers.astype(int).tolist(), list(WEEKDAYS)), index=numbers.index)


def popularity_classes(evidence: Evidence) -> "pd.Series[Any]":
    """Head, middle, tail or new, for the item of each case."""
    counts = evidence.counts.sort_values(ascending=False, kind="stable")
    before = (counts.cumsum() - counts) / max(counts.sum(), 1)
    names = np.select([counts == 0, before < HEAD, before < MIDDLE], ["new", "head", "middle"], "tail")
    found = evidence.cases["item_id"].map(dict(zip(counts.index, names, strict=True))).fillna("new")
    return pd.Series(pd.Categorical(found, ["head", "middle", "tail", "new"]), index=evidence.cases.index)


def table(evidence: Evidence, title: str, parts: "pd.Series[Any]", how: str) -> dict[str, Any]:
    """One slice: a row per value, with NDCG@10 of every scorer on its cases."""
    values = np.stack([ndcg(evidence.ranks(name)) for name in evidence.scorers], 1)  # [cases, scorers]
    groups = parts.groupby(parts, observed=True, sort=False).indices
    order = list(parts.cat.categories) if isinstance(parts.dtype, pd.CategoricalDtype) else _largest(groups)
    rows = [_row(evidence, str(name), values, groups[name]) for name in order if name in groups]
    return {"title": title, "how": how, "rows": rows}


def _largest(groups: Any) -> list[Any]:
    return sorted(groups, key=lambda name: (-len(groups[name]), str(name)))[:MOST]


def _row(evidence: Evidence, name: str, values: Array, rows: Array) -> dict[str, Any]:
    mine, users = values[rows], evidence.users[rows]
    lead = mine[:, 0] - mine[:, min(1, mine.shape[1] - 1)]
    found = intervals(np.column_stack([mine, lead]), users)
    scores = dict(zip(evidence.scorers, found, strict=False))
    return {
        "value": name,
        "cases": len(rows),
        "users": len(np.unique(users)),
        MODEL: scores.pop(MODEL),
        "baselines": {scorer: each["value"] for scorer, each in scores.items()},
        "leads_best_baseline_by": found[-1] if evidence.best_baseline else None,
    }
