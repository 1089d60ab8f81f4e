"""Slates with scorers -> AUC, NDCG and MRR per impression: is what was clicked ranked above what was passed over?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from feature_repo.item_activity import smoothed_ctr
from training.areas import auc
from training.baselines import Scorer
from training.bootstrap import intervals
from training.item_tower import fill_vectors
from training.metrics import CUT
from training.recommender import Recommender, as_tensors, stacked
from training.slates import Slate

Array = npt.NDArray[Any]
SlateScorer = Callable[[Slate], Array]  # scores [k] of what was shown
MEASURES = ("auc", f"ndcg@{CUT}", "ndcg@5", "mrr")


def of_model(recommender: Recommender, text: Tensor) -> SlateScorer:
    """A model's scores of what was shown, by text vectors [n + q, text_size]."""
    recommender.modules().eval()
    with torch.no_grad():
        matrix, queries = recommender.matrix(text), recommender.queries(text)

    @torch.no_grad()
    def scores(slate: Slate) -> Array:
        found: Array = recommender.ranker(inputs_of(recommender, slate, matrix, queries))[0].cpu().numpy()
        return found

    return scores


def inputs_of(recommender: Recommender, slate: Slate, matrix: Tensor, queries: Tensor | None) -> dict[str, Tensor]:
    """The ranker's tensors of a slate, by the vectors of the catalogue [1 + n, D] and of the queries [1 + q, D]."""
    rows = torch.from_numpy(slate.rows)[None].to(matrix.device)
    inputs = {name: tensor.to(matrix.device) for name, tensor in as_tensors(stacked([slate.case])).items()}
    if recommender.neighbours is not None:
        inputs["user_item_near"] = recommender.near(inputs["history_rows"], rows)
    return fill_vectors(inputs, matrix, rows, queries)


def of_baseline(scorer: Scorer) -> SlateScorer:
    """A scorer of the catalogue, asked about what was shown."""
    return lambda slate: np.asarray(scorer([slate.case]))[0, slate.rows]


def at_random(seed: int = 0) -> SlateScorer:
    """What anybody can do."""
    draw = np.random.default_rng(seed)
    return lambda slate: draw.random(len(slate.rows))


def weekly_click_rate(slate: Slate) -> Array:
    """The feature ``item_ctr_7d``: clicks per impression lately, smoothed."""
    rates: Array = slate.case.items["item_ctr_7d"]
    return rates


class ClickRate:
    """Clicks per impression of all time until a slate, smoothed; slates come in time order.

    ``rows``, ``times``, ``clicked`` [events]: what happened to items of the catalogue, a click or an impression.
    """

    def __init__(self, rows: Array, times: Array, clicked: Array, size: int) -> None:
        self._rows, self._times, self._clicked, self._place = rows, times, clicked, 0
        self._counts = np.zeros((size, 2))  # impressions, clicks

    def __call__(self, slate: Slate) -> Array:
        until = int(np.searchsorted(self._times, slate.case.timestamp, "left"))
        newer = slice(self._place, max(until, self._place))
        np.add.at(self._counts, (self._rows[newer], self._clicked[newer].astype(int)), 1.0)
        self._place = newer.stop
        shown, clicks = self._counts[slate.rows].T
        return np.array([smoothed_ctr(*pair) for pair in zip(clicks, shown, strict=True)])


@dataclass
class Shown:
    """What scorers made of slates."""

    slates: list[Slate] = field(default_factory=list)  # without features
    measures: dict[str, list[Array]] = field(default_factory=dict)  # scorer -> MEASURES of each slate
    scores: list[Array] = field(default_factory=list)  # the model's


def impressions(slates: Iterable[Slate], scorers: Mapping[str, SlateScorer], model: str, seed: int = 0) -> Shown:
    """Every slate by every scorer; ties are broken at random."""
    found, draw = Shown(measures={name: [] for name in scorers}), np.random.default_rng(seed)
    for slate in slates:
        for name, scorer in scorers.items():
            scores = scorer(slate)
            found.measures[name].append(of_slate(scores, slate.clicked, draw.random(len(scores))))
            if name == model:
                found.scores.append(scores)
        found.slates.append(replace(slate, case=replace(slate.case, user={}, items={})))
    return found


def of_slate(scores: Array, clicked: Array, ties: Array) -> Array:
    """MEASURES of one slate, each clicked item relevant alike; ``ties`` say what comes first among equals."""
    ranking = clicked[np.lexsort((ties, -scores))]
    places = np.flatnonzero(ranking) + 1
    gains, best = 1 / np.log2(places + 1), 1 / np.log2(np.arange(2, len(places) + 2))
    ndcg = [gains[places <= cut].sum() / best[:cut].sum() for cut in (CUT, 5)]
    return np.array([auc(scores, clicked), *ndcg, (1 / places).mean()])


def averages(found: Shown) -> dict[str, dict[str, float]]:
    """The mean of each measure per scorer with its 95 % bounds over users, and how many slates there were."""
    users = np.array([slate.case.user_id for slate in found.slates])
    table = {}
    for name, measures in found.measures.items():
        parts = dict(zip(MEASURES, intervals(np.stack(measures), users), strict=True))
        row = {measure: part["value"] for measure, part in parts.items()}
        sides = {f"{measure}_{side}": part[side] for measure, part in parts.items() for side in ("low", "high")}
        table[name] = {**row, **{key: value for key, value in sides.items() if value is not None}, "slates": len(users)}
    return table


def page(table: Mapping[str, Mapping[str, float]]) -> str:
    """The averages for people, worst first."""
    width = max(18, *(len(name) + 2 for name in table))
    lines = [" " * width + "".join(f"{name:>10}" for name in MEASURES)]
    for name, row in sorted(table.items(), key=lambda pair: pair[1]["auc"]):
        lines.append(f"{name:{width}}" + "".join(f"{row[measure]:>10.4f}" for measure in MEASURES))
    return "\n".join(lines)
