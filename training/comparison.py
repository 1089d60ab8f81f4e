"""A logged ranking and what history knows of it -> how far each feature is off, and whether that is skew."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.features import ranking_v1
from feature_repo.rankings import LOGGED, PER_ITEM, LoggedRanking
from training.hindsight import Known

Array = npt.NDArray[Any]
HISTORY = "history_item_ids"  # in the place of history_vectors
ACTIVITY = {"user_activity", "item_activity"}


class Compared(NamedTuple):
    """One feature of one ranking, a row for the user or for each of N candidates."""

    gap: Array  # [rows] how far it is off: from the time of the decision or, where that is too far, from the rows seen
    skewed: Array  # [rows] off however one looks
    stale: Array  # [rows] off at the decision, because a newer row was not online yet
    ahead: Array  # [rows] off at the decision, because the row online was stamped later
    age_ms: Array  # [rows] time since the newest event that history knew of at the decision; -1 where nothing says


def views() -> dict[str, set[str]]:
    """Which views' rows a logged feature is made of."""
    found: dict[str, set[str]] = {name: set() for name in (*LOGGED, HISTORY)}
    for projection in ranking_v1.feature_view_projections:
        for field in projection.features:
            if field.tags.get("tensor") in found:
                found[field.tags["tensor"]].add(projection.name)
    found["user_item_affinity"].add("item_content")
    found[HISTORY].add("user_activity")
    return found


_VIEWS = views()


def gaps(ranking: LoggedRanking, known: Known) -> dict[str, Array]:
    """Feature -> [rows] the largest difference of a number; in units of the number where that is above one."""
    found = {name: _gap(name, ranking.tensor(name), known.tensors[name]) for name in LOGGED}
    found[HISTORY] = np.array([float(ranking.history_item_ids != known.history_item_ids)])
    return found


def _gap(name: str, seen: Array, known: Array) -> Array:
    seen, known = seen.astype(np.float64), np.asarray(known, np.float64)
    off = np.abs(seen - known) / np.maximum(1.0, np.abs(known))
    rows = len(seen) if name in PER_ITEM else 1
    worst = off.reshape(rows, -1).max(1) if off.size else np.zeros(rows)
    return np.asarray(np.where(np.isnan(worst), np.inf, worst))


def compare(
    ranking: LoggedRanking, at_decision: Known, at_stamps: Known | None, tolerance: float
) -> dict[str, Compared]:
    """Every feature of one ranking; ``at_stamps`` may be missing where nothing differs at the decision."""
    now = gaps(ranking, at_decision)
    then = now if at_stamps is None else gaps(ranking, at_stamps)
    found = {}
    for name, gap in now.items():
        off = gap > tolerance
        left = np.where(off, np.minimum(gap, then[name]), gap)
        skewed = left > tolerance
        ahead = off & ~skewed & _ahead(ranking, name)
        found[name] = Compared(left, skewed, off & ~skewed & ~ahead, ahead, _age(ranking, name, at_decision, len(gap)))
    return found


def _ahead(ranking: LoggedRanking, name: str) -> Array:
    """Whether one of the rows that were seen is stamped later than the decision, [rows] or [1]."""
    later = np.array([False])
    for view in _VIEWS[name]:
        later = later | (ranking.stamps(view) > ranking.instant)
    return later


def _age(ranking: LoggedRanking, name: str, known: Known, rows: int) -> Array:
    ages = np.full(rows, -1, np.int64)
    for view in sorted(_VIEWS[name] & ACTIVITY):
        newest = known.newest[view]
        ages = np.where(newest > 0, np.maximum(ranking.instant // 1000 - newest, 0), ages)
    return ages


def explain(ranking: LoggedRanking, name: str, row: int, known: Known) -> str:
    """What was seen and what is known in one row of a feature, at its worst number."""
    where = f"{name}: ranking {ranking.request_id} of user {ranking.user_id!r}"
    if name == HISTORY:
        seen, stored = json.dumps(ranking.history_item_ids[-3:]), json.dumps(known.history_item_ids[-3:])
        return f"{where} saw a history that ends with {seen}, Feast's ends with {stored}"
    ours, theirs = (np.asarray(each, np.float64) for each in (ranking.tensor(name), known.tensors[name]))
    if name in PER_ITEM:
        where, ours, theirs = f"{where}, item {ranking.item_ids[row]!r}", ours[row], theirs[row]
    place = int(np.argmax(np.abs(ours - theirs)))
    return f"{where} saw {ours.ravel()[place]:.6g}, Feast's history has {theirs.ravel()[place]:.6g}"


def summary(name: str, compared: Sequence[Mapping[str, Compared]]) -> dict[str, Any]:
    """One feature over all rankings."""
    parts = [each[name] for each in compared]
    gap, skewed, stale, ahead, age = (np.concatenate(column) for column in zip(*parts, strict=True))
    ages = age[stale & (age >= 0)]
    return {
        "compared": len(gap),
        "max_difference": float(gap.max(initial=0.0)),
        "skewed": int(skewed.sum()),
        "stale": int(stale.sum()),
        "ahead": int(ahead.sum()),
        "stale_age_ms": {"p50": float(np.median(ages)), "max": float(ages.max())} if len(ages) else None,
    }
