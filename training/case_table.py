"""What scorers made of cases -> ``cases-<window>.parquet`` and ``scored-<window>.parquet`` beside a run.

A case is a row: ``user_id``, ``item_id`` (what came), ``timestamp`` (epoch ms), ``hour`` and ``weekday`` (UTC, 0 is
Monday), ``history_length`` (the user's events before), ``target_events`` (of the item before the cutoff),
``target_category``, what the context said of CONTEXTS, and for every scorer ``rank_<name>`` (infinity: not rankable)
and ``top_<name>``, the ten best unseen items. A scored candidate names its ``case`` by row.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from training.calibration import Calibration
from training.evaluation import Evaluation
from training.samples import Catalogue

CONTEXTS = ("device", "country", "surface", "referrer")


def case_table(found: Evaluation, catalogue: Catalogue, past: pd.DataFrame) -> pa.Table:
    """One row per case; ``past`` are the interactions before the cutoff."""
    item_ids = [case.item_id for case in found.cases]
    moments = pd.to_datetime([case.timestamp for case in found.cases], unit="ms", utc=True)
    columns: dict[str, Any] = {
        "user_id": [case.user_id for case in found.cases],
        "item_id": item_ids,
        "timestamp": [case.timestamp for case in found.cases],
        "hour": moments.hour.to_numpy(),
        "weekday": moments.weekday.to_numpy(),
        "history_length": [len(case.seen) for case in found.cases],
        "target_events": past.item_id.value_counts().reindex(item_ids, fill_value=0).to_numpy(),
        "target_category": [_category(catalogue, case.target) for case in found.cases],
    }
    columns |= _contexts(found)
    ids = pa.array(catalogue.ids)
    for name, ranks in found.ranks.items():
        columns[f"rank_{name}"] = ranks
        columns[f"top_{name}"] = _lists(ids, found.tops[name])
    return pa.table(columns)


def scored_table(found: Evaluation, catalogue: Catalogue, calibration: Calibration) -> pa.Table:
    """One row per scored candidate: ``case``, ``item_id``, ``label`` (1: it came), ``score``, ``probability``."""
    sizes = [len(rows) for rows in found.sampled]
    rows, scores = np.concatenate(found.sampled), np.concatenate(found.scores)
    labels = np.zeros(len(rows), np.int8)
    labels[(np.cumsum(sizes) - sizes)[np.array(sizes) > 0]] = 1
    return pa.table(
        {
            "case": np.repeat(np.arange(len(sizes)), sizes),
            "item_id": pa.array(catalogue.ids).take(pa.array(rows)),
            "label": labels,
            "score": scores,
            "probability": calibration(torch.from_numpy(scores)).numpy(),
        }
    )


def write_tables(folder: Path, window: str, tables: dict[str, pa.Table]) -> None:
    """Each table to ``<name>-<window>.parquet``."""
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}-{window}.parquet", compression="zstd")


def _category(catalogue: Catalogue, row: int) -> str | None:
    return next(iter(catalogue.categories[row]), None) if row >= 0 else None


def _contexts(found: Evaluation) -> dict[str, list[str | None]]:
    said = {name: [(case.context or {}).get(name) for case in found.cases] for name in CONTEXTS}
    return {name: values for name, values in said.items() if any(values)}


def _lists(ids: pa.Array, tops: list[Any]) -> pa.Array:
    bounds = np.cumsum([0, *map(len, tops)], dtype=np.int32)
    rows = np.concatenate([*tops, np.empty(0, np.int64)]).astype(np.int64)
    return pa.ListArray.from_arrays(pa.array(bounds), ids.take(pa.array(rows)))
