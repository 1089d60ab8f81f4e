"""A training run, what evaluate wrote beside it, and its snapshot -> all that a report is made of."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from feature_repo.settings import StoreSettings
from training.log import EmptyLog, interactions
from training.metrics import ndcg
from training.window import read_metadata

Array = npt.NDArray[Any]
MODEL = "model"


@dataclass(frozen=True)
class Item:
    """What a reader is told of an item."""

    title: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """``cases`` and ``scored`` are as docs/report.md describes them; ``past`` are the interactions before them."""

    run: Path
    made: dict[str, Any]  # config.json
    measured: dict[str, Any]  # metrics.json
    cases: pd.DataFrame
    newcomers: pd.DataFrame | None  # as ``cases``: first events of users nobody met
    scored: pd.DataFrame | None
    learned: list[dict[str, Any]]  # records of the training, oldest first
    items: dict[str, Item]  # of the catalogue
    past: pd.DataFrame  # user_id, item_id, timestamp; in time order

    @cached_property
    def scorers(self) -> list[str]:
        """The model, then the baselines from best to worst by NDCG@10."""
        names = [name.removeprefix("rank_") for name in self.cases if str(name).startswith("rank_")]
        others = [name for name in names if name != MODEL]
        return [MODEL, *sorted(others, key=lambda name: -ndcg(self.ranks(name)).mean())]

    @cached_property
    def users(self) -> Array:
        return np.asarray(self.cases["user_id"])

    @cached_property
    def counts(self) -> "pd.Series[int]":
        """How often each item of the catalogue was met before the cutoff."""
        return self.past["item_id"].value_counts().reindex(list(self.items), fill_value=0)

    @property
    def with_newcomers(self) -> pd.DataFrame:
        """The cases, with the first events of newcomers among them."""
        return self.cases if self.newcomers is None else pd.concat([self.newcomers, self.cases], ignore_index=True)

    def ranks(self, scorer: str) -> Array:
        """The place of what came in each case, 1 = first, infinity where it could not be ranked."""
        return np.asarray(self.cases[f"rank_{scorer}"], float)

    def title(self, item_id: str) -> str:
        """An item's title, or its id where there is none."""
        known = self.items.get(item_id)
        return known.title or item_id if known else f"{item_id} (not in the catalogue)"


def read_evidence(run: Path, snapshots: Path, settings: StoreSettings) -> Evidence:
    """All of a run's evidence; raises EmptyLog with what to do where evaluate has not run."""
    made = json.loads((run / "config.json").read_text())
    snapshot = snapshots / str(made["snapshot_id"])
    cases = read_cases(run)
    metadata = read_metadata(snapshot)
    past = interactions(settings, 0, metadata["until_ms"])
    past = past[past.action.isin(metadata["config"]["actions"].split(","))]
    return Evidence(
        run,
        made,
        _json(run / "metrics.json"),
        cases,
        _frame(run / "newcomers-test.parquet"),
        _frame(run / "scored-test.parquet"),
        read_learned(run, made),
        read_items(snapshot),
        past[["user_id", "item_id", "timestamp"]].reset_index(drop=True),
    )


def read_cases(run: Path) -> pd.DataFrame:
    """The cases of the test window; raises EmptyLog where there are none."""
    path = run / "cases-test.parquet"
    if not path.exists():
        raise EmptyLog(f"there is no {path}: run: python -m training.evaluate --run {run}")
    cases = pd.read_parquet(path)
    if cases.empty:
        raise EmptyLog(f"{path} has no case: there is nothing to report on")
    return cases


def read_items(snapshot: Path) -> dict[str, Item]:
    """Titles and categories of the catalogue."""
    columns = ["item_id", "item_title", "item_categories"]
    rows = pq.read_table(snapshot / "items.parquet", columns=columns).to_pylist()
    return {row["item_id"]: Item(row["item_title"] or "", tuple(row["item_categories"] or ())) for row in rows}


def read_learned(run: Path, made: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a training: curves.jsonl, else the history of config.json."""
    path = run / "curves.jsonl"
    if path.exists():
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return list(made.get("history", []))


def _frame(path: Path) -> pd.DataFrame | None:
    return pd.read_parquet(path) if path.exists() else None


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}
