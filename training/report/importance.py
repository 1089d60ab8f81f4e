"""Cases and the model -> what each input is worth: NDCG@10 that is lost when it is shuffled (Breiman, 2001).

An input of the user or of the request is swapped among cases; one of the items among the candidates of each case, and
what item vectors are made of among all items. Inputs that tell the same are also shuffled together: alone, each
of them seems to be worth little.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from training.bootstrap import interval
from training.cases import Case
from training.metrics import ndcg
from training.recommender import Recommender

Array = npt.NDArray[Any]
SEED = 0
GROUPS = {  # prefix of its tensors: name
    "history_": "history",
    "user_actions_": "user's counters",
    "item_actions_": "items' counters",
    "request_": "request",
}
MADE_OF = ("text vectors", "attributes", "learned residuals")  # of item vectors


@dataclass(frozen=True)
class Input:
    """What is shuffled together, and among what: ``cases``, ``candidates`` or ``items``."""

    name: str
    tensors: tuple[str, ...]
    among: str


def importance(cases: Sequence[Case], recommender: Recommender, text: Tensor) -> dict[str, Any]:
    """How much NDCG@10 falls with each input shuffled, on some cases."""
    if len(cases) < 2:
        return {"missing": "There are less than two cases to swap inputs among."}
    users = np.array([case.user_id for case in cases])
    whole = ndcg(np.array(recommender.ranks(cases, text)))
    inputs = inputs_of(cases[0])
    rows = []
    for each in tqdm(inputs, desc="importance", unit=" inputs", leave=False):
        left = ndcg(np.array(ranks_without(each, cases, recommender, text)))
        rows.append(
            {"name": each.name, "tensors": each.tensors, "among": each.among, "drop": interval(whole - left, users)}
        )
    return {
        "how": "One input (or a group) is shuffled among the cases, among each case's candidates or among all items, "
        "and the loss of NDCG@10 is measured on the same cases. An input may seem worthless because another says the "
        "same. Intervals are over resampled users, with one shuffle each.",
        "cases": len(cases),
        "users": len(np.unique(users)),
        "ndcg": float(whole.mean()),
        "rows": sorted(rows, key=lambda row: -row["drop"]["value"]),
    }


def inputs_of(case: Case) -> list[Input]:
    """Every tensor of a case by itself, groups of them, and what item vectors are made of."""
    sides = (("cases", case.user), ("candidates", case.items))
    found = [Input(shown(name), (name,), among) for among, tensors in sides for name in sorted(tensors)]
    for prefix, name in GROUPS.items():
        for among, tensors in sides:
            together = tuple(each for each in sorted(tensors) if each.startswith(prefix))
            found += [Input(name, together, among)] if len(together) > 1 else []
    return [*found, *(Input(name, (name,), "items") for name in MADE_OF), Input("item vectors", MADE_OF, "items")]


def shown(tensor: str) -> str:
    """The ranker's name of a tensor: histories hold rows only until vectors are looked up."""
    return tensor.removesuffix("_rows") + "_vectors" if tensor.endswith("_rows") else tensor


def ranks_without(shuffled: Input, cases: Sequence[Case], recommender: Recommender, text: Tensor) -> list[float]:
    """Ranks of what came with one input shuffled."""
    draw = np.random.default_rng(SEED)
    if shuffled.among == "items":
        return _among_items(shuffled.tensors, cases, recommender, text, draw)
    swap = _among_cases if shuffled.among == "cases" else _among_candidates
    return recommender.ranks(list(swap(shuffled.tensors, cases, draw)), text)


def _among_cases(names: Sequence[str], cases: Sequence[Case], draw: np.random.Generator) -> Iterable[Case]:
    for case, other in zip(cases, draw.permutation(len(cases)), strict=True):
        yield replace(case, user={**case.user, **{name: cases[other].user[name] for name in names}})


def _among_candidates(names: Sequence[str], cases: Sequence[Case], draw: np.random.Generator) -> Iterable[Case]:
    for case in cases:
        order = draw.permutation(len(case.items[names[0]]))
        yield replace(case, items={**case.items, **{name: case.items[name][order] for name in names}})


def _among_items(
    names: Sequence[str], cases: Sequence[Case], recommender: Recommender, text: Tensor, draw: np.random.Generator
) -> list[float]:
    size = len(recommender.residual)
    order = torch.from_numpy(draw.permutation(size))
    swapped = copy.deepcopy(recommender)
    if "learned residuals" in names:
        swapped.residual.data = swapped.residual.data[order]
    if "attributes" in names:
        swapped.attributes = swapped.attributes[order]
    if "text vectors" in names:
        text = torch.cat([text[:size][order], text[size:]])
    return swapped.ranks(cases, text)
