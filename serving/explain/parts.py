"""Pure: the tensors of a request -> a batch whose first row is the request and every other one lacks a part of it.

A part is an item of the history (all that was done with it) or a group of features, which then read as if nothing were
known. The difference of two rows' scores is what the part adds: exact leave-one-out. L history, N candidates, R rows.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.inputs import tensors, with_defaults

Array = npt.NDArray[Any]

MOST: Final = 50  # items of the history, the newest ones; with the groups they fit into one batch of Triton
HISTORY: Final = ("history_vectors", "history_actions", "history_gaps")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "history": (*HISTORY, "user_item_near"),
    "user_actions": ("user_actions_1h", "user_actions_1d", "user_actions_7d", "user_session_events"),
    "user_attributes": ("user_attributes",),
    "user_categories": ("user_item_affinity",),
    "item_popularity": ("item_actions_1h", "item_actions_1d", "item_actions_7d", "item_ctr_7d"),
    "item_age": ("item_age_days",),
    "context": ("request_context",),
    "query": ("query_vector",),
}
NEVER_LEFT_OUT: Final = ("item_vectors", "request_hour", "request_weekday")  # a request without them is none
BLANK: Final[Mapping[str, float]] = {
    "item_ctr_7d": with_defaults("item_activity", {})["item_ctr_7d"]
}  # the others are zero
_PER_CANDIDATE = frozenset(tensor.name for tensor in tensors() if "N" in tensor.shape)


class Batch(NamedTuple):
    """``inputs`` [R, ...]; row 1 + i lacks item i of ``item_ids``, and after these each lacks one of ``groups``."""

    inputs: dict[str, Array]
    item_ids: list[str]
    groups: list[str]


def batch(inputs: Mapping[str, Array], picks: Array, met: Sequence[str], near: Callable[[Array], Array]) -> Batch:
    """The batch for some candidates, by their places [n] among the N of ``inputs``.

    ``met`` [h] are the items of the history, oldest first; ``near`` says for those that are kept [h] how near the
    picked candidates are to them: [n, NEAR].
    """
    whole = {name: each[picks] if name in _PER_CANDIDATE else each for name, each in inputs.items()}
    item_ids = list(dict.fromkeys(reversed(met)))[:MOST]
    groups = [group for group, names in GROUPS.items() if any((whole[name] != blank(name)).any() for name in names)]
    rows = {name: np.repeat(each[None], 1 + len(item_ids) + len(groups), 0) for name, each in whole.items()}
    for row, item_id in enumerate(item_ids, 1):
        kept = np.array([other != item_id for other in met])
        for name in HISTORY:
            rows[name][row] = without(whole[name], kept)
        rows["user_item_near"][row] = near(kept)
    for row, group in enumerate(groups, 1 + len(item_ids)):
        for name in GROUPS[group]:
            rows[name][row] = blank(name)
    return Batch(rows, item_ids, groups)


def without(entries: Array, kept: Array) -> Array:
    """A history [L, ...], of which the last h entries are there, with those that are ``kept`` [h], newest last."""
    left = entries[len(entries) - len(kept) :][kept]
    return np.concatenate([np.zeros_like(entries[: len(entries) - len(left)]), left])


def blank(name: str) -> float:
    """What every number of a tensor is where nothing is known."""
    return BLANK.get(name, 0.0)
