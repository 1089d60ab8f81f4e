"""A trained recommender and a past -> its lists of near items, and how much they count."""

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
from training.item_neighbours import item_neighbours
from training.log import interactions
from training.nearby import Evidence, fit
from training.recommender import Recommender
from training.samples import Catalogue
from training.window import read_metadata

CASES = 1000  # of the validation window, that the weights are fitted to


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
def weigh_neighbours(recommender: Recommender, text: Tensor, cases: list[Case]) -> dict[str, float]:
    """Fit the weights of the lists to cases that came after what the lists are made of; returns the losses."""
    recommender.ranker.nearby.weights.zero_()
    if recommender.neighbours is None:
        return {"cases": 0}
    scorer = recommender.scorer(text)
    drawn = np.random.default_rng(0).permutation(len(cases))[:CASES]
    possible = [cases[place] for place in drawn if cases[place].target >= 0]
    found = [_evidence(recommender, scorer([case])[0], case) for case in possible if case.target not in case.seen]
    return fit(recommender.ranker.nearby, found) if found else {"cases": 0}


def _evidence(recommender: Recommender, scores: npt.NDArray[Any], case: Case) -> Evidence:
    """Scores [n] without the lists, nearness by the lists, and the target."""
    own = torch.from_numpy(scores.copy())
    own[torch.from_numpy(case.seen)] = -torch.inf
    near = recommender.near(torch.from_numpy(case.user["history_rows"])[None])[0]
    return own, near.cpu(), case.target
