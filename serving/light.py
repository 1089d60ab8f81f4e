"""The ranker's tensors -> scores without the ranker: what can be said of candidates in process, in a millisecond.

Means of the newest item vectors over several spans, the newer the heavier (as training/recency.py begins), how near
candidates are to the history by the bundle's lists, and how popular they are now; of a stranger the last alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.vocabulary import ACTION_CODE

Array = npt.NDArray[Any]
LIGHT, POPULAR = "light score", "live popularity"
HALF_LIVES = np.array([0.5, 4.0, 20.0])  # entries of the history
PULL = np.array([3.0, 1.0, 1.0], np.float32)  # what a cosine adds to a score
NEAR, QUERY, AFFINITY, CROWD = 2.0, 3.0, 0.5, 1.0  # docs/decisions.md says what they were chosen by
WANTED = [ACTION_CODE[action] - 1 for action in ("click", "like", "cart", "purchase", "rating")]


def light(inputs: Mapping[str, Array]) -> tuple[Array, str]:
    """Scores [N] by the tensors of feature_repo.inputs, without a batch dimension, and which kind they are."""
    crowd = CROWD * popularity(inputs)
    if not inputs["history_actions"].any() and not inputs["query_vector"].any():
        return crowd, POPULAR
    taste = unit(inputs["item_vectors"]) @ (PULL @ recent(inputs["history_vectors"], inputs["history_actions"]))
    asked = unit(inputs["item_vectors"]) @ unit(inputs["query_vector"])
    near = inputs["user_item_near"].sum(-1)
    return taste + QUERY * asked + NEAR * near + AFFINITY * inputs["user_item_affinity"] + crowd, LIGHT


def popularity(inputs: Mapping[str, Array]) -> Array:
    """How many want each item now, the last day counting most: [N], in logarithms."""
    wanted = inputs["item_actions_1d"][:, WANTED].sum(-1) + 0.1 * inputs["item_actions_7d"][:, WANTED].sum(-1)
    return np.asarray(np.log1p(wanted) + inputs["item_ctr_7d"], np.float32)


def recent(vectors: Array, actions: Array) -> Array:
    """A history [L, D] with actions [L] (0 pads) -> means of its unit vectors over each span: [spans, D]."""
    since = np.arange(len(vectors) - 1, -1, -1)
    weights = np.exp2(-since / HALF_LIVES[:, None]) * (actions > 0)  # [spans, L]
    means = weights @ unit(vectors) / np.maximum(weights.sum(-1, keepdims=True), 1e-6)
    return np.asarray(means, np.float32)


def unit(vectors: Array) -> Array:
    """Vectors [..., D] of length one; zeros stay zeros."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6), np.float32)
