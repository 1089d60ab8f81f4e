"""Evidence of random data, and of cases written by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training.recommended import breadth
from training.report.evidence import Evidence, Item

CATEGORIES = ("tea", "tools", "books")
BEGIN = 1_700_000_000_000  # epoch ms


def random_evidence(
    cases: int = 60, users: int = 12, items: int = 30, seed: int = 0, scorers: tuple[str, ...] = ("model", "popularity")
) -> Evidence:
    """Evidence such as evaluate writes, without a model behind it."""
    draw = np.random.default_rng(seed)
    ids = [f"i{item}" for item in range(items)]
    known = {item_id: Item(f"Item {item_id}", (CATEGORIES[place % 3],)) for place, item_id in enumerate(ids)}
    past = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in draw.integers(0, users, 400)],
            "item_id": [ids[place] for place in np.minimum(draw.geometric(0.15, 400), items) - 1],
            "timestamp": BEGIN + np.arange(400) * 60_000,
        }
    )
    columns: dict[str, Any] = {
        "user_id": [f"u{user}" for user in draw.integers(0, users, cases)],
        "item_id": [ids[place] for place in draw.integers(0, items, cases)],
        "timestamp": BEGIN + (400 + np.arange(cases)) * 60_000,
        "hour": draw.integers(0, 24, cases),
        "weekday": draw.integers(0, 7, cases),
        "history_length": draw.integers(0, 150, cases),
        "device": draw.choice(["phone", "desk"], cases),
    }
    frame = pd.DataFrame(columns)
    frame["target_events"] = frame["item_id"].map(past["item_id"].value_counts()).fillna(0).astype(int)
    frame["target_category"] = [known[item_id].categories[0] for item_id in frame["item_id"]]
    for place, name in enumerate(scorers):
        frame[f"rank_{name}"] = np.minimum(draw.geometric(0.2 / (1 + place), cases), items).astype(float)
        frame[f"top_{name}"] = [[ids[each] for each in draw.permutation(items)[:10]] for _ in range(cases)]
    return Evidence(
        run=Path("20260101-000000"),
        made={"config": {"encoder": "tiny", "seed": 0}, "snapshot_id": "abc"},
        measured={"test": {name: shown(frame, name, ids, past) for name in scorers}},
        cases=frame,
        newcomers=None,
        scored=random_scores(cases, draw),
        learned=[{"epoch": each, "seconds": each * 2.0, "loss": 5 / each, "ndcg@10": each / 10} for each in (1, 2, 3)],
        items=known,
        past=past,
    )


def random_scores(cases: int, draw: np.random.Generator) -> pd.DataFrame:
    """Five candidates a case, one of which came."""
    labels = np.tile([1, 0, 0, 0, 0], cases)
    scores = labels + draw.normal(size=len(labels))
    places = np.repeat(np.arange(cases), 5)
    return pd.DataFrame(
        {"case": places, "label": labels, "score": scores, "probability": 1 / (1 + np.exp(1.4 - scores))}
    )


def shown(cases: pd.DataFrame, scorer: str, ids: list[str], past: pd.DataFrame) -> dict[str, float]:
    """What evaluate measures of what a scorer puts on top."""
    place = {item_id: row for row, item_id in enumerate(ids)}
    tops = [np.array([place[item_id] for item_id in top]) for top in cases[f"top_{scorer}"]]
    counts = past["item_id"].value_counts().reindex(ids, fill_value=0).to_numpy()
    return breadth(tops, counts, np.random.default_rng(1).normal(size=(len(ids), 4)))
