"""Rankings -> what they show of the catalogue: coverage, novelty, diversity, and how popular it is beside what came."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.recommended import surprise
from training.report.evidence import Evidence

Array = npt.NDArray[Any]
PARTS = 10  # of the catalogue, by popularity
FACTS = ("coverage", "gini", "diversity", "novelty", "popularity")  # as evaluate measured them


def breadth(evidence: Evidence) -> dict[str, Any]:
    """What each scorer's ten best items are like, beside what came."""
    lists = {name: evidence.cases[f"top_{name}"] for name in evidence.scorers if f"top_{name}" in evidence.cases}
    if not lists:
        return {"missing": "The cases do not say what was ranked on top, so what is recommended is not known."}
    parts, came = parts_of(evidence.counts), evidence.cases["item_id"]
    measured = evidence.measured.get("test", {})
    return {
        "how": "The ten best items of each case, as evaluate measured them. Novelty: bits of surprise of an item, the "
        "negative log of its share of the training events (one added to every count). Diversity: 1 - cosine of the "
        "model's item vectors, over all pairs of a list. Gini: 0 where all items are shown alike often, near 1 where "
        "one is always.",
        "cases": len(evidence.cases),
        "items": len(evidence.items),
        "scorers": [{"name": name, **{fact: measured.get(name, {}).get(fact) for fact in FACTS}} for name in lists],
        "came": came_facts(evidence, came),
        "popularity": {
            "came": shares(came, parts),
            "recommended": {name: shares(each.explode(), parts) for name, each in lists.items()},
        },
    }


def came_facts(evidence: Evidence, came: "pd.Series[Any]") -> dict[str, float]:
    """Novelty and mean training events of what came, items outside the catalogue counting none."""
    bits = pd.Series(surprise(evidence.counts.to_numpy()), index=evidence.counts.index)
    unknown = -np.log2(1 / max(evidence.counts.sum() + len(evidence.counts), 1))
    return {
        "novelty": float(came.map(bits).fillna(unknown).mean()),
        "popularity": float(came.map(evidence.counts).fillna(0).mean()),
    }


def parts_of(counts: "pd.Series[int]") -> "pd.Series[int]":
    """The part of the catalogue each item is in: 0 has the most popular items."""
    ordered = counts.sort_values(ascending=False, kind="stable").index
    split = np.array_split(np.arange(len(ordered)), PARTS)
    return pd.Series(np.concatenate([np.full(len(part), place) for place, part in enumerate(split)]), index=ordered)


def shares(item_ids: "pd.Series[Any]", parts: "pd.Series[int]") -> list[float]:
    """The share of some items that each part of the catalogue has; items outside the catalogue have none."""
    found = item_ids.map(parts).dropna().astype(int)
    return [float(share) for share in np.bincount(found, minlength=PARTS)[:PARTS] / max(len(item_ids), 1)]
