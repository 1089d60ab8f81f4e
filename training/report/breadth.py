"""Rankings -> what they show of the catalogue: coverage, novelty, diversity, and how popular it is beside what came."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.report.evidence import Evidence, Item

Array = npt.NDArray[Any]
PARTS = 10  # of the catalogue, by popularity


def breadth(evidence: Evidence) -> dict[str, Any]:
    """What each scorer's ten best items are like, beside what came."""
    shown = {name: tops(evidence, name) for name in evidence.scorers if f"top_{name}" in evidence.cases}
    if not shown:
        return {"missing": "The cases do not say what was ranked on top, so what is recommended is not known."}
    parts = parts_of(evidence.counts)
    came = evidence.cases["item_id"]
    return {
        "how": "The ten best items of each case. Novelty: bits of surprise of an item, -log2 of its share of the "
        "training events (one added to every count). Diversity: how unlike the ten are in categories (1 - Jaccard, all "
        "pairs). Gini: 0 where all items are shown alike often, 1 where one item is shown always.",
        "cases": len(evidence.cases),
        "items": len(evidence.items),
        "scorers": [{"name": name, **facts(evidence, lists)} for name, lists in shown.items()],
        "came": popularity_of(evidence, came),
        "popularity": {
            "catalogue": [len(part) for part in np.array_split(np.arange(len(evidence.counts)), PARTS)],
            "came": shares(came, parts),
            "recommended": {name: shares(lists.explode(), parts) for name, lists in shown.items()},
        },
    }


def tops(evidence: Evidence, scorer: str) -> "pd.Series[Any]":
    """The ten best items of each case."""
    return evidence.cases[f"top_{scorer}"].map(lambda item_ids: list(item_ids)[:10])


def facts(evidence: Evidence, lists: "pd.Series[Any]") -> dict[str, Any]:
    """Coverage, evenness and diversity of some lists."""
    shown = lists.explode().dropna()
    times = shown.value_counts().reindex(list(evidence.items), fill_value=0).to_numpy()
    return {
        "coverage": float((times > 0).mean()),
        "gini": gini(times),
        "diversity": diversity(evidence.items, lists),
        **popularity_of(evidence, shown),
    }


def popularity_of(evidence: Evidence, item_ids: "pd.Series[Any]") -> dict[str, float]:
    """Mean training events and novelty of some items."""
    counts = item_ids.map(evidence.counts).fillna(0).to_numpy(float)
    surprise = -np.log2((counts + 1) / (evidence.counts.sum() + len(evidence.counts)))
    return {"novelty": float(surprise.mean()), "events": float(counts.mean())}


def diversity(items: dict[str, Item], lists: "pd.Series[Any]") -> float | None:
    """How unlike the items of a list are, on average over lists; None where no item has a category."""
    names = sorted({name for item in items.values() for name in item.categories})
    if not names:
        return None
    place = {name: number for number, name in enumerate(names)}
    marked = {item_id: marks(item, place) for item_id, item in items.items()}
    found = [unlike(np.stack([marked[each] for each in item_ids])) for item_ids in lists if len(item_ids) > 1]
    return float(np.mean(found)) if found else None


def marks(item: Item, place: dict[str, int]) -> Array:
    """An item's categories [names] as ones."""
    row = np.zeros(len(place))
    row[[place[name] for name in item.categories]] = 1.0
    return row


def unlike(rows: Array) -> float:
    """The mean of 1 - Jaccard over all pairs of rows [k, names]; two items without categories are alike."""
    both = rows @ rows.T
    sizes = rows.sum(1)
    either = sizes[:, None] + sizes[None] - both
    alike = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    pairs = np.triu_indices(len(rows), 1)
    return float(1 - alike[pairs].mean())


def gini(times: Array) -> float:
    """How unevenly some counts are spread (Gini, 1912)."""
    ordered = np.sort(times).astype(float)
    places = np.arange(1, len(ordered) + 1)
    return float((2 * places - len(ordered) - 1) @ ordered / (len(ordered) * max(ordered.sum(), 1.0)))


def parts_of(counts: "pd.Series[int]") -> "pd.Series[int]":
    """The part of the catalogue each item is in: 0 has the most popular items."""
    ordered = counts.sort_values(ascending=False, kind="stable").index
    split = np.array_split(np.arange(len(ordered)), PARTS)
    return pd.Series(np.concatenate([np.full(len(part), place) for place, part in enumerate(split)]), index=ordered)


def shares(item_ids: "pd.Series[Any]", parts: "pd.Series[int]") -> list[float]:
    """The share of some items that each part of the catalogue has; items outside the catalogue have none."""
    found = item_ids.map(parts).dropna().astype(int)
    return [float(share) for share in np.bincount(found, minlength=PARTS)[:PARTS] / max(len(item_ids), 1)]
