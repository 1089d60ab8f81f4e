"""The ranker's tensors -> scores without the ranker: what can be said of candidates in process, in a millisecond.

What they have of the user's taste of late (lately.py), how near
candidates are to the history by the bundle's lists, and how popular they are now; of a stranger the last alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.unit import unit
from feature_repo.vocabulary import ACTION_CODE
from serving.lately import taste

Array = npt.NDArray[Any]
LIGHT, POPULAR = "light score", "live popularity"
NEAR, QUERY, AFFINITY, CROWD = 2.0, 3.0, 0.5, 1.0  # docs/decisions.md says what they were chosen by
WANTED = [ACTION_CODE[action] - 1 for action in ("click", "like", "cart", "purchase", "rating")]


def light(inputs: Mapping[str, Array]) -> tuple[Array, str]:
    """Scores [N] by the tensors of feature_repo.inputs, without a batch dimension, and which kind they are."""
    crowd = CROWD * popularity(inputs)
    if not inputs["history_actions"].any() and not inputs["query_vector"].any():
        return crowd, POPULAR
    items = unit(inputs["item_vectors"])
    liked = items @ taste(inputs["history_vectors"][inputs["history_actions"] > 0])
    asked = items @ unit(inputs["query_vector"])
    near = inputs["user_item_near"].sum(-1)
    return liked + QUERY * asked + NEAR * near + AFFINITY * inputs["user_item_affinity"] + crowd, LIGHT


def popularity(inputs: Mapping[str, Array]) -> Array:
    """How many want each item now, the last day counting most: [N], in logarithms."""
    wanted = inputs["item_actions_1d"][:, WANTED].sum(-1) + 0.1 * inputs["item_actions_7d"][:, WANTED].sum(-1)
    return np.asarray(np.log1p(wanted) + inputs["item_ctr_7d"], np.float32)
