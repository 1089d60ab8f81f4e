"""What a user met -> the direction of what is like it, where the user encoder does not say one."""

from typing import Any, Final

import numpy.typing as npt

from feature_repo.item_table import ItemTable
from feature_repo.unit import directed
from feature_repo.vocabulary import ACTION_CODE
from serving.candidates.met import Met
from serving.lately import taste

Array = npt.NDArray[Any]
_AGAINST: Final = ACTION_CODE["dismiss"]


def user_vector(met: Met, table: ItemTable) -> Array | None:
    """The direction [VECTOR_SIZE], of length one; None where nothing is known of the user."""
    liked = (met.actions != _AGAINST) & table.column("item_encoded")[met.rows]
    return directed(taste(table.column("item_vectors")[met.rows[liked]]))
