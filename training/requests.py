"""Labels that cite a request, and its impressions in the log -> when they were decided, and what was passed over.

A slate is put together before anything of it is shown or clicked: a label that cites a request is about what was known
just before the request's first impression. One that cites none, or one that the log does not know, has its own time.
"""

import numpy as np
import pandas as pd

REQUEST = ["user_id", "request_id"]
PASSIVE = ("impression", "dismiss")  # what may happen to an item that nobody wanted


def decided(labels: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The labels with ``decided_at`` (epoch ms), and ``event_timestamp`` as the user's stamp of that moment."""
    first = _impressions(labels, found).groupby(REQUEST, as_index=False)
    asked = labels[REQUEST].merge(first.agg({"timestamp": "min", "event_timestamp": "min"}), how="left", on=REQUEST)
    asked.index = labels.index
    return labels.assign(
        decided_at=np.fmin(asked.timestamp, labels.timestamp).astype("int64"),
        event_timestamp=asked.event_timestamp.fillna(labels.event_timestamp).clip(upper=labels.event_timestamp),
    )


def passed_over(labels: pd.DataFrame, found: pd.DataFrame, most: int) -> pd.DataFrame:
    """What was shown in each label's request and only seen or dismissed: ``label`` (its place) and ``item_id``.

    By label, then position in the slate; at most ``most`` of a label.
    """
    shown = _impressions(labels, found).sort_values("position", kind="stable").drop_duplicates([*REQUEST, "item_id"])
    wanted = found.loc[~found.action.isin(PASSIVE), [*REQUEST, "item_id"]].drop_duplicates()
    shown = shown.merge(wanted, how="left", indicator="who")
    shown = shown.loc[shown.who == "left_only", [*REQUEST, "item_id"]]
    rows = labels[REQUEST].assign(label=np.arange(len(labels))).merge(shown, on=REQUEST)
    rows = rows.sort_values("label", kind="stable")
    return rows.loc[rows.groupby("label").cumcount() < most, ["label", "item_id"]].reset_index(drop=True)


def _impressions(labels: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    cited = labels.request_id[labels.request_id != ""].unique()
    return found[(found.action == "impression") & found.request_id.isin(cited)]
