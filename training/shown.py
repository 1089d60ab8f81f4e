"""A window with impressions and a run -> metrics per impression, and the tables behind them, beside the run.

``impressions-<window>.parquet`` has a row per slate: ``user_id``, ``request_id``, ``timestamp``, how many items were
``shown`` and ``clicked``, and each measure of each scorer as ``<measure>_<name>``. ``shown-<window>.parquet`` has a row
per item shown: ``slate`` (row), ``item_id``, ``label`` (1: clicked), the model's ``score`` and ``probability``.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from tqdm import tqdm

from training.baselines import Scorer
from training.calibration import Calibration, Evidence, calibration_error, log_loss
from training.case_table import write_tables
from training.evaluation import MODEL
from training.impressions import (
    MEASURES,
    ClickRate,
    Shown,
    SlateScorer,
    at_random,
    averages,
    impressions,
    of_baseline,
    of_model,
    weekly_click_rate,
)
from training.query_texts import with_queries
from training.rivals import refitted
from training.runs import Run
from training.samples import Catalogue
from training.slates import walk_slates
from training.window import Window

Table = dict[str, dict[str, float]]


def evaluate_shown(
    window: Window, everything: pd.DataFrame, catalogue: Catalogue, runs: dict[str, Run], rivals: dict[str, Scorer]
) -> Shown:
    """Every slate of a fresh window by the runs, the rivals, click rates (of ``everything`` in the log) and chance."""
    scorers: dict[str, SlateScorer] = {
        name: of_model(run.recommender, with_queries(run, window.world.queries)) for name, run in runs.items()
    }
    scorers |= {name: of_baseline(scorer) for name, scorer in refitted(rivals, window, catalogue).items()}
    scorers |= {"click rate": click_rate(everything, catalogue), "7-day click rate": weekly_click_rate}
    scorers["random"] = at_random()
    slates = tqdm(walk_slates(window.world, window.events), desc="impressions", unit=" slates")
    return impressions(slates, scorers, MODEL)


def click_rate(found: pd.DataFrame, catalogue: Catalogue) -> ClickRate:
    """Click rates that go on counting through these interactions, in time order."""
    counted = found[found.action.isin(("impression", "click")) & found.item_id.isin(catalogue.index)]
    rows = counted.item_id.map(catalogue.index).to_numpy(np.int64)
    return ClickRate(rows, counted.timestamp.to_numpy(), (counted.action == "click").to_numpy(), len(catalogue))


def metrics_of(found: Shown, calibration: Calibration) -> Table:
    """Averages per scorer; of the model also log loss (nats) and calibration error of its click probabilities."""
    table = averages(found)
    scores, clicked = np.concatenate(found.scores), np.concatenate([slate.clicked for slate in found.slates])
    probabilities = probabilities_of(scores, calibration)
    evidence = Evidence(scores.astype(float), clicked.astype(float), np.ones(len(scores)))
    table[MODEL]["log_loss"] = log_loss(probabilities, evidence)
    table[MODEL]["calibration_error"] = calibration_error(probabilities, evidence)
    return table


def probabilities_of(scores: Any, calibration: Calibration) -> Any:
    """What a calibration takes scores [n] for."""
    with torch.no_grad():
        return calibration(torch.from_numpy(np.asarray(scores, np.float64))).numpy()


def write_shown(folder: Path, window: str, found: Shown, catalogue: Catalogue, calibration: Calibration) -> None:
    """Both tables."""
    sizes = [len(slate.rows) for slate in found.slates]
    scores = np.concatenate(found.scores)
    slates = {
        "user_id": [slate.case.user_id for slate in found.slates],
        "request_id": [slate.request_id for slate in found.slates],
        "timestamp": [slate.case.timestamp for slate in found.slates],
        "shown": sizes,
        "clicked": [int(slate.clicked.sum()) for slate in found.slates],
    }
    for name, measures in found.measures.items():
        slates |= {f"{measure}_{name}": column for measure, column in zip(MEASURES, np.stack(measures, 1), strict=True)}
    items = {
        "slate": np.repeat(np.arange(len(sizes)), sizes),
        "item_id": pa.array(catalogue.ids).take(pa.array(np.concatenate([slate.rows for slate in found.slates]))),
        "label": np.concatenate([slate.clicked for slate in found.slates]).astype(np.int8),
        "score": scores,
        "probability": probabilities_of(scores, calibration),
    }
    write_tables(folder, window, {"impressions": pa.table(slates), "shown": pa.table(items)})
