"""A trained recommender and a past -> its lists of near items, and what they and its numbers are worth."""

from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from feature_repo.settings import StoreSettings
from training.cases import Case
from training.held_out import HeldOut
from training.history import NEVER
from training.impressions import inputs_of
from training.item_neighbours import item_neighbours
from training.log import interactions
from training.nearby import steps_of
from training.recommender import Recommender
from training.samples import Catalogue
from training.slates import Slate
from training.stacking import Parts, worth
from training.window import read_metadata

Array = npt.NDArray[Any]

CASES = 1000  # of the validation window, that the worth of parts is fitted to


def past_of(settings: StoreSettings, snapshot: Path, until: str) -> pd.DataFrame:
    """The interactions that are labels, up to one of the times that a snapshot states."""
    metadata = read_metadata(snapshot)
    found = interactions(settings, 0, metadata[until])
    return found[found.action.isin(metadata["config"]["actions"].split(","))]


def list_neighbours(recommender: Recommender, text: Tensor, past: pd.DataFrame, catalogue: Catalogue) -> None:
    """Give the recommender lists made of ``past`` interactions and of text vectors [n + q, text_size]."""
    if "nearby" in recommender.without:
        return
    rows = past.item_id.map(catalogue.index)
    users, known = pd.factorize(past.user_id)[0], rows.notna().to_numpy()
    vectors = text[: len(catalogue)].detach().float().cpu().numpy()
    recommender.neighbours = item_neighbours(users[known], rows[known].to_numpy(int), vectors)


@torch.no_grad()
def weigh_parts(recommender: Recommender, text: Tensor, held: HeldOut) -> dict[str, Any]:
    """Set what numbers and lists are worth beside the vectors, by what came after what the lists are made of.

    Where requests were logged, among what was shown; elsewhere among all items.
    """
    ranker = recommender.ranker
    ranker.nearby.weights.zero_()
    if set(ranker.heads.weights) != {"click"}:
        return {"cases": 0}  # a blend of heads was chosen by hand
    parts = parts_of_slates(recommender, text, held.slates) or parts_of(recommender, text, _drawn(held.cases))
    if not parts:
        return {"cases": 0}
    found = worth(parts)
    for weight in ranker.heads.tops["click"].parameters():
        weight.mul_(found.numbers)
    ranker.nearby.weights.copy_(found.near)
    kind = "shown" if held.slates else "all items"
    return {"cases": len(parts), "among": kind, **found._asdict(), "near": found.near.tolist()}


def _drawn(cases: list[Case]) -> list[Case]:
    drawn = (cases[place] for place in np.random.default_rng(0).permutation(len(cases))[:CASES])
    return [case for case in drawn if case.target >= 0 and case.target not in case.seen]


def parts_of(recommender: Recommender, text: Tensor, cases: list[Case]) -> list[Parts]:
    """The parts of the scores of all items, for each case."""
    whole, vectors = recommender.scorer(text), recommender.scorer(text, by_vectors=True)
    return [_part(recommender, case, vectors([case])[0].copy(), whole([case])[0]) for case in cases]


def _part(recommender: Recommender, case: Case, affinity: Array, score: Array) -> Parts:
    near = recommender.near(torch.from_numpy(case.user["history_rows"])[None])[0].cpu()
    numbers = torch.from_numpy(score - affinity)
    affinity[case.seen] = NEVER
    return Parts(torch.from_numpy(affinity), numbers, steps_of(near), case.target)


@torch.no_grad()
def parts_of_slates(recommender: Recommender, text: Tensor, slates: list[Slate]) -> list[Parts]:
    """The parts of the scores of what was shown, for each click: the other clicked items are no candidates."""
    recommender.modules().eval()
    matrix, queries, found = recommender.matrix(text), recommender.queries(text), list[Parts]()
    for slate in slates:
        inputs = inputs_of(recommender, slate, matrix, queries)
        affinity, score = recommender.ranker.by_vectors(inputs)[0].cpu(), recommender.ranker(inputs)[0].cpu()
        near = steps_of(inputs["user_item_near"][0]).cpu()
        for target in np.flatnonzero(slate.clicked).tolist():
            others = torch.from_numpy(slate.clicked).index_fill(0, torch.tensor(target), False)
            found.append(Parts(affinity.masked_fill(others, NEVER), score - affinity, near, target))
    return found
