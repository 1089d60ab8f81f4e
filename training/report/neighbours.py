"""Text vectors before and after tuning -> which items are near each other, and how well nearness alone ranks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.unit import unit
from training.bootstrap import intervals
from training.metrics import ndcg, ranks
from training.report.evidence import Evidence

Array = npt.NDArray[Any]
NEAR, SHOWN = 10, 4  # neighbours that are compared; that are shown
EXAMPLES = 8  # items whose neighbours are shown
PART = 512  # items or cases at a time (memory)


def compared(evidence: Evidence, before: Array, after: Array) -> dict[str, Any]:
    """Vectors [n, d] of the catalogue by the encoder as it came and as it was tuned."""
    ids = list(evidence.items)
    before, after = unit(before), unit(after)
    old, new = nearest(before), nearest(after)
    kept = [len(np.intersect1d(left, right)) / max(len(left), 1) for left, right in zip(old, new, strict=True)]
    place = {item_id: row for row, item_id in enumerate(ids)}
    found = by_last_item(evidence, place, (before, after))
    titles = [evidence.title(item_id) for item_id in ids]
    return {
        "how": "No model: the catalogue without what the user has met, by nearness of its text vectors to that of the "
        "user's last item (cosine). Neighbours are shown for the most met item of each of the largest categories.",
        "items": len(ids),
        "kept": float(np.mean(kept)),
        **found,
        "examples": [
            {
                "item": titles[row],
                "before": [titles[each] for each in old[row][:SHOWN]],
                "after": [titles[each] for each in new[row][:SHOWN]],
            }
            for row in examples(evidence, place)
        ],
    }


def nearest(vectors: Array) -> Array:
    """Rows of the NEAR nearest other items [n, k], nearest first."""
    count, found = min(NEAR, len(vectors) - 1), []
    for start in range(0, len(vectors), PART):
        near = vectors[start : start + PART] @ vectors.T
        near[np.arange(len(near)), start + np.arange(len(near))] = -np.inf
        found.append(np.argsort(-near, axis=1, kind="stable")[:, :count])
    return np.concatenate(found)


def by_last_item(evidence: Evidence, place: dict[str, int], spaces: tuple[Array, Array]) -> dict[str, Any]:
    """NDCG@10 of ranking by nearness to the last item, in each of two spaces, for the cases that have one."""
    histories = met(evidence, place)
    chosen = np.flatnonzero([len(rows) > 0 for rows in histories])
    if not len(chosen):
        nothing = {"value": 0.0, "low": None, "high": None}
        return {"cases": 0, "users": 0, "before": nothing, "after": nothing, "lead": nothing}
    targets = np.array([place.get(item_id, -1) for item_id in evidence.cases["item_id"]])
    gains = np.stack([ndcg(_ranks(space, chosen, histories, targets)) for space in spaces], 1)
    users = evidence.users[chosen]
    old, new, lead = intervals(np.column_stack([gains, gains[:, 1] - gains[:, 0]]), users)
    return {"cases": len(chosen), "users": len(np.unique(users)), "before": old, "after": new, "lead": lead}


def _ranks(space: Array, chosen: Array, histories: list[list[int]], targets: Array) -> Array:
    found = []
    for start in range(0, len(chosen), PART):
        part = chosen[start : start + PART]
        scores = (space[[histories[case][-1] for case in part]] @ space.T).astype(float)
        for row, case in zip(scores, part, strict=True):
            row[histories[case]] = -np.inf
        found.append(ranks(scores, targets[part]))
    return np.concatenate(found)


def met(evidence: Evidence, place: dict[str, int]) -> list[list[int]]:
    """Rows of the catalogue that the user of each case had met, oldest first: the log's, then the earlier cases'."""
    past = evidence.past[evidence.past["item_id"].isin(place)]
    known = {user_id: rows.tolist() for user_id, rows in past["item_id"].map(place).groupby(past["user_id"])}
    found = []
    for user_id, item_id in zip(evidence.cases["user_id"], evidence.cases["item_id"], strict=True):
        found.append(known.get(user_id, []))
        if item_id in place:
            known[user_id] = [*found[-1], place[item_id]]
    return found


def examples(evidence: Evidence, place: dict[str, int]) -> list[int]:
    """The most met item of each of the largest categories; without categories the most met items."""
    chosen: dict[str, int] = {}
    for item_id in evidence.counts.sort_values(ascending=False, kind="stable").index:
        names = evidence.items[item_id].categories or (item_id,)
        if not any(name in chosen for name in names):
            chosen |= dict.fromkeys(names[:1], place[item_id])
    return list(chosen.values())[:EXAMPLES]
