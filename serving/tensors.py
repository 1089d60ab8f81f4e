"""A user's rows + candidates of the item table -> the ranker's tensors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.context import Context
from feature_repo.inputs import item_affinity, unexpired, user_affinity, user_inputs
from feature_repo.item_table import ItemTable
from feature_repo.neighbours import NEAR, nearness
from feature_repo.neighbours import Neighbours as ItemNeighbours
from feature_repo.vocabulary import HISTORY_LENGTH
from serving.user_features import UserRows

Array = npt.NDArray[Any]


def user_tensors(
    user: UserRows,
    items: Mapping[str, Array],
    rows: Array,
    table: ItemTable,
    now_ms: int,
    neighbours: ItemNeighbours | None,
    context: Context = None,
    query: Array | None = None,
) -> dict[str, Array]:
    """The ranker's tensors that depend on the user and the request; ``items`` are columns of these ``rows`` [N]."""
    activity = unexpired(user.activity, now_ms)  # as Feast's history: an expired row has no affinities either
    met = table.rows(list(activity.get("history_item_ids") or ())[-HISTORY_LENGTH:])
    affinity = user_affinity(activity, table.category_codes, len(table.category_codes) + 1)

    def vectors(_: Sequence[str]) -> Array:
        return table.vectors_at(met)

    return {
        **user_inputs(user.profile, user.activity, now_ms, vectors, context, query),
        "user_item_affinity": item_affinity(items, affinity),
        "user_item_near": near(met, rows, table, neighbours),
        "item_vectors": items["item_vectors"],
    }


def near(met: Array, rows: Array, table: ItemTable, neighbours: ItemNeighbours | None) -> Array:
    """How near candidates [N] are to the items of a history [h], both as rows of the table, -1 unknown: [N, NEAR]."""
    if neighbours is None:
        return np.zeros((len(rows), NEAR), np.float32)
    trained = table.column("item_trained")
    return nearness(neighbours, np.where(met >= 0, trained[met], 0) - 1, trained[rows] - 1)
