"""Cases -> the same measure for parts of them: users, items, categories, times and contexts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training import cold_start
from training.bootstrap import intervals
from training.case_table import CONTEXTS
from training.metrics import ndcg
from training.report.evidence import MODEL, Evidence

Array = npt.NDArray[Any]
HEAD, MIDDLE = 0.5, 0.9  # shares of all training events that the most popular items hold together
HOURS = {f"{begin:02}–{begin + 2:02} h": begin for begin in range(0, 24, 3)}  # name: at least
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HEAD_HOW = (
    f"Head: the most popular items that hold {HEAD:.0%} of the training events together; middle: up to {MIDDLE:.0%}; "
    "tail: the rest; new: no training event."
)
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
    return {
        "how": "NDCG@10 of the cases of each part.",
        "baselines": evidence.scorers[1:],
        "tables": [table(cases, evidence.scorers, *part) for part in parts],
    }


def little_known(evidence: Evidence) -> dict[str, Any]:
    """Tables of how much a user did before, and how often the item that came was met before."""
    cases, everybody = evidence.cases, evidence.with_newcomers
    users = binned(everybody["history_length"], cold_start.USERS)
    items = binned(cases["target_events"], cold_start.ITEMS)
    return {
        "how": "NDCG@10 where little is known. Nothing is retrained for these cases.",
        "baselines": evidence.scorers[1:],
        "tables": [
            table(everybody, evidence.scorers, "Users by events before", users, "0: first events, in no other number."),
            table(cases, evidence.scorers, "Items by training events", items, "Of the item that came."),
        ],
    }


def binned(numbers: "pd.Series[Any]", bins: Mapping[str, float]) -> "pd.Series[Any]":
    """The name of each number's bin; a bin is all from its number up to the next one's."""
    places = np.searchsorted(list(bins.values()), numbers.to_numpy(), "right") - 1
    return pd.Series(pd.Categorical.from_codes(places.tolist(), list(bins)), index=numbers.index)


def days(numbers: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.Series(pd.Categorical.from_codes(numbers.astype(int).tolist(), list(WEEKDAYS)), index=numbers.index)


def popularity_classes(evidence: Evidence) -> "pd.Series[Any]":
    """Head, middle, tail or new, for the item of each case."""
    counts = evidence.counts.sort_values(ascending=False, kind="stable")
    before = (counts.cumsum() - counts) / max(counts.sum(), 1)
    names = np.select([counts == 0, before < HEAD, before < MIDDLE], ["new", "head", "middle"], "tail")
    found = evidence.cases["item_id"].map(dict(zip(counts.index, names, strict=True))).fillna("new")
    return pd.Series(pd.Categorical(found, ["head", "middle", "tail", "new"]), index=evidence.cases.index)


def table(cases: pd.DataFrame, scorers: Sequence[str], title: str, parts: "pd.Series[Any]", how: str) -> dict[str, Any]:
    """One slice: a row per value, with NDCG@10 of every scorer (the model, then baselines from the best down)."""
    gains = np.stack([ndcg(cases[f"rank_{name}"].to_numpy(float)) for name in scorers], 1)  # [cases, scorers]
    users = cases["user_id"].to_numpy()
    groups = parts.groupby(parts, observed=True, sort=False).indices
    order = list(parts.cat.categories) if isinstance(parts.dtype, pd.CategoricalDtype) else _largest(groups)
    chosen = [(str(name), groups[name]) for name in order if name in groups]
    rows = [{"value": name, **_means(scorers, gains[rows], users[rows])} for name, rows in chosen]
    return {"title": title, "how": how, "rows": rows}


def _largest(groups: Any) -> list[Any]:
    return sorted(groups, key=lambda name: (-len(groups[name]), str(name)))[:MOST]


def _means(scorers: Sequence[str], gains: Array, users: Array) -> dict[str, Any]:
    rival = min(1, len(scorers) - 1)
    *found, lead = intervals(np.column_stack([gains, gains[:, 0] - gains[:, rival]]), users)
    return {
        "cases": len(users),
        "users": len(np.unique(users)),
        MODEL: found[0],
        "baselines": {name: each["value"] for name, each in zip(scorers[1:], found[1:], strict=True)},
        "leads_best_baseline_by": lead if rival else None,
    }
