"""Impressions after a cutoff -> slates: what was shown in a request, and what is known before anything of it is shown.

k items shown, L history.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from feature_repo.context import from_json
from training.cases import Case, World, advance, case_at

Array = npt.NDArray[Any]
REQUEST = ["user_id", "request_id"]


@dataclass(frozen=True)
class Slate:
    """A request and its outcome; ``case`` has the features of what was shown, in its order, and no target."""

    request_id: str
    rows: Array  # [k] of the catalogue, in the order of the positions
    clicked: Array  # [k] whether a label came of it
    case: Case


def walk_slates(world: World, events: pd.DataFrame) -> Iterator[Slate]:
    """Every request of which something was shown and something clicked, but not all; each event moves the world.

    Items that the catalogue does not have are left out.
    """
    slates = outcomes(events, world)
    rows = zip(events.user_id, events.item_id, events.action, events.timestamp.tolist(), strict=True)
    contexts = events.context if "context" in events else pd.Series([None] * len(events))
    for place, (user_id, item_id, action, now) in enumerate(rows):
        if place in slates:
            request_id, shown, clicked = slates[place]
            case = case_at(world, user_id, "", now, from_json(contexts.iat[place]), shown)
            yield Slate(request_id, shown, clicked, case)
        advance(world, user_id, item_id, action, now)


def outcomes(events: pd.DataFrame, world: World) -> dict[int, tuple[str, Array, Array]]:
    """Place of a request's first impression -> its id, rows of what was shown [k], whether each was clicked [k]."""
    if "request_id" not in events:
        return {}
    numbered = events.assign(place=np.arange(len(events)), row=events.item_id.map(world.catalogue.index))
    numbered = numbered[(numbered.request_id.fillna("") != "") & numbered.row.notna()]
    shown = numbered[numbered.action == "impression"].drop_duplicates([*REQUEST, "item_id"])
    wanted = numbered.loc[numbered.action.isin(world.labels), [*REQUEST, "item_id"]].drop_duplicates()
    shown = shown.merge(wanted.assign(clicked=True), how="left", on=[*REQUEST, "item_id"])
    shown["clicked"] = shown.clicked.notna()
    if "position" in shown:
        shown = shown.sort_values("position", kind="stable")
    found = {}
    for (_, request_id), slate in shown.groupby(REQUEST, sort=False):
        clicked = slate.clicked.to_numpy(bool)
        if clicked.any() and not clicked.all():
            found[int(slate.place.min())] = (str(request_id), slate.row.to_numpy(np.int64), clicked)
    return found
