"""A user's rows + candidates of the item table -> the ranker's tensors."""

from collections.abc import Mapping
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
    table: ItemTable,
    now_ms: int,
    context: Context = None,
    query: Array | None = None,
) -> dict[str, Array]:
    """The ranker's tensors that depend on the user and the request, and the vectors of these items."""
    activity = unexpired(user.activity, now_ms)  # as Feast's history: an expired row has no affinities either
    affinity = user_affinity(activity, table.category_codes, len(table.category_codes) + 1)
    return {
        **user_inputs(user.profile, user.activity, now_ms, table.vectors, context, query),
        "user_item_affinity": item_affinity(items, affinity),
        "item_vectors": items["item_vectors"],
    }


def near(user: UserRows, rows: Array, table: ItemTable, now_ms: int, neighbours: ItemNeighbours | None) -> Array:
    """How near candidates, by their rows of the table [N], are to the user's history: [N, NEAR]."""
    if neighbours is None:
        return np.zeros((len(rows), NEAR), np.float32)
    trained = table.column("item_trained")
    met = table.rows(list(unexpired(user.activity, now_ms).get("history_item_ids") or ())[-HISTORY_LENGTH:])
    return nearness(neighbours, np.where(met >= 0, trained[met], 0) - 1, trained[rows] - 1)
