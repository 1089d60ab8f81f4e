"""A window's past -> scorers of the whole catalogue by simpler means than the model: what it has to beat.

A baseline is a file: ``fit`` makes a scorer of a ``Past``; a scorer turns cases into scores [cases, n].
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

from training.baselines import als, ease, hybrid, item_knn, live_popularity, popularity, text_knn
from training.baselines.past import Past
from training.cases import Case

Scorer = Callable[[Sequence[Case]], npt.NDArray[Any]]

LIVE = "live popularity"  # counts along: its cases have to come in time order
FITS: dict[str, Callable[[Past], Scorer]] = {
    "popularity": popularity.fit,
    LIVE: live_popularity.fit,
    "item-kNN": item_knn.fit,
    "text kNN": text_knn.fit,
    "item-kNN + text": hybrid.fit,
    "ALS": als.fit,
    "EASE": ease.fit,
}
SASREC = "SASRec"  # trained by training.sasrec and kept with the snapshot


class UnknownBaseline(Exception):
    """A name that no baseline has, with those there are."""


def chosen(names: str, past: Past) -> list[str]:
    """``fast``, ``all``, ``none`` or some names with commas between -> names of FITS. Raises UnknownBaseline.

    The fast ones leave EASE out of large catalogues: it inverts a matrix of items by items.
    """
    if names == "none":
        return []
    if names == "all":
        return list(FITS)
    if names == "fast":
        return [name for name in FITS if name != "EASE" or past.size <= ease.FAST_ITEMS]
    asked = [name.strip().lower() for name in names.split(",")]
    known = {name.lower(): name for name in (*FITS, SASREC)}
    if missing := sorted(set(asked) - set(known)):
        raise UnknownBaseline(
            f"there is no baseline {', '.join(missing)}: choose of all, fast, none, {', '.join(known)}"
        )
    return [known[name] for name in asked if known[name] != SASREC]


def with_sasrec(names: str) -> bool:
    """Whether these names ask for SASRec."""
    return names in ("all", "fast") or SASREC.lower() in [name.strip().lower() for name in names.split(",")]
