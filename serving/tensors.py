"""A user's rows + candidates of the item table -> the ranker's tensors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.context import Context
from feature_repo.inputs import item_affinity, unexpired, user_affinity, user_inputs
from feature_repo.item_table import ItemTable
from feature_repo.neighbours import NEAR, Neighbours, Sought, nearness_of, sought
from feature_repo.vocabulary import HISTORY_LENGTH
from serving.user_features import UserRows

Array = npt.NDArray[Any]


def user_tensors(
    user: UserRows,
    items: Mapping[str, Array],
    table: ItemTable,
    now_ms: int,
    sought: Sought | None,
    context: Context = None,
    query: Array | None = None,
    asking: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """The ranker's tensors that depend on the user and the request; ``items`` are columns of the candidates [N].

    ``sought`` is what ``seek`` made of their rows, ``asking`` what ``user_inputs`` gave where it was asked before.
    """
    activity = unexpired(user.activity, now_ms)  # as Feast's history: an expired row has no affinities either
    met = table.rows(list(activity.get("history_item_ids") or ())[-HISTORY_LENGTH:])
    affinity = user_affinity(activity, table.category_codes, len(table.category_codes) + 1)

    def vectors(_: Sequence[str]) -> Array:
        return table.at("item_vectors", met)

    vectors_of_candidates = items["item_vectors"]
    return {
        **(asking or user_inputs(user.profile, user.activity, now_ms, vectors, context, query)),
        "user_item_affinity": item_affinity(items, affinity),
        "user_item_near": near(met, sought, len(vectors_of_candidates), table),
        "item_vectors": vectors_of_candidates,
    }


def seek(rows: Array, table: ItemTable, neighbours: Neighbours | None) -> Sought | None:
    """Candidates by their rows of the table [N], for ``near``; None for a model without lists."""
    return None if neighbours is None else sought(neighbours, table.at("item_trained", rows) - 1)


def near(met: Array, sought: Sought | None, count: int, table: ItemTable) -> Array:
    """How near ``count`` candidates are to a history by rows of the table [h], -1 unknown: [N, NEAR]."""
    if sought is None:
        return np.zeros((count, NEAR), np.float32)
    return nearness_of(sought, table.at("item_trained", met) - 1)
