"""Cases with every scorer's ranks -> NDCG@10 where little is known of the user, or of the item."""

from typing import Any

import numpy as np
import pandas as pd

from training.metrics import CUT, ndcg

USERS = {"0": 0, "1-4": 1, "5-19": 5, "20-99": 20, "100+": 100}  # events of the user before the case, at least
ITEMS = {"0": 0, "1-10": 1, "11-100": 11, "101+": 101}  # training events of the item that came, at least
Rows = list[dict[str, Any]]


def cold_start(cases: pd.DataFrame, newcomers: pd.DataFrame) -> dict[str, Rows]:
    """Two tables, ``users`` and ``items``: a row per bin with its cases and each scorer's NDCG@10.

    ``newcomers`` are first events of users nobody met before: they are in the first bin of users, and nowhere else.
    """
    users = pd.concat([part for part in (newcomers, cases) if len(part)] or [cases])
    return {"users": _table(users, "history_length", USERS), "items": _table(cases, "target_events", ITEMS)}


def _table(cases: pd.DataFrame, column: str, bins: dict[str, int]) -> Rows:
    names, starts = list(bins), np.array(list(bins.values()))
    of_bin = np.searchsorted(starts, cases[column].to_numpy(), "right") - 1
    return [_row(name, cases[of_bin == place]) for place, name in enumerate(names)]


def _row(name: str, cases: pd.DataFrame) -> dict[str, Any]:
    columns = [column for column in cases if str(column).startswith("rank_")]
    found = {str(each).removeprefix("rank_"): ndcg(cases[each].to_numpy(float)) for each in columns}
    means = {scorer: float(gains.mean()) if len(gains) else None for scorer, gains in found.items()}
    return {"bin": name, "cases": len(cases), f"ndcg@{CUT}": means}


def page(tables: dict[str, Rows]) -> str:
    """Both tables for people."""
    return "\n\n".join(_page(tables[key], f"{key} by events before") for key in ("users", "items"))


def _page(rows: Rows, title: str) -> str:
    scorers = list(rows[0][f"ndcg@{CUT}"])
    lines = [f"{title:24}{'cases':>8}" + "".join(f"{name:>17}" for name in scorers)]
    for row in rows:
        means = [row[f"ndcg@{CUT}"][name] for name in scorers]
        cells = "".join(f"{'' if mean is None else format(mean, '.4f'):>17}" for mean in means)
        lines.append(f"{row['bin']:>24}{row['cases']:>8}" + cells)
    return "\n".join(lines)
