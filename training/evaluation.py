"""Cases, in time order, and scorers -> what each scorer made of each case: the target's rank and the ten items on top.

Cases come and go in small parts, so that memory holds results alone. n items.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from training.baselines import Scorer
from training.cases import Case
from training.metrics import CUT, ranks, top

Array = npt.NDArray[Any]
T = TypeVar("T")
PART, CELLS = 64, 2_000_000  # cases that are scored together, and scores: what comes first
SAMPLED = 20  # unseen items beside the target whose scores are kept
OVERSAMPLED = 4  # times as many are drawn at first: some are seen already
MODEL = "model"


@dataclass
class Evaluation:
    """Results per case; ``cases`` are without their tensors."""

    cases: list[Case] = field(default_factory=list)
    ranks: dict[str, list[float]] = field(default_factory=dict)  # scorer -> 1 for the first place, infinity for none
    tops: dict[str, list[Array]] = field(default_factory=dict)  # scorer -> rows of the ten best unseen items
    sampled: list[Array] = field(
        default_factory=list
    )  # rows: the target, then up to SAMPLED others; empty where it has no rank
    scores: list[Array] = field(default_factory=list)  # the model's, of ``sampled``

    def part(self, chosen: Array) -> "Evaluation":
        """The results of the cases [cases] that are True."""
        places = np.flatnonzero(chosen).tolist()
        return Evaluation(
            _of(self.cases, places),
            {name: _of(ranks, places) for name, ranks in self.ranks.items()},
            {name: _of(tops, places) for name, tops in self.tops.items()},
            _of(self.sampled, places) if self.sampled else [],
            _of(self.scores, places) if self.scores else [],
        )


def _of(values: list[T], places: list[int]) -> list[T]:
    return [values[place] for place in places]


class NotANumber(Exception):
    """A scorer that says NaN of an item: its ranks would mean nothing."""


def evaluated(cases: Iterable[Case], scorers: Mapping[str, Scorer], size: int, seed: int = 0) -> Evaluation:
    """Every case scored by every scorer, over ``size`` items. Raises NotANumber."""
    found, draw = Evaluation(), np.random.default_rng(seed)
    for name in scorers:
        found.ranks[name], found.tops[name] = [], []
    for part in _parts(cases, size):
        for name, scorer in scorers.items():
            scores = np.asarray(scorer(part))
            if np.isnan(scores).any():
                raise NotANumber(f"{name} scored NaN among the cases from {part[0].timestamp} ms on")
            places = _unseen(scores, part)
            found.ranks[name] += ranks(places, np.array([case.target for case in part])).tolist()
            found.tops[name] += [top(row, CUT) for row in places]
            if name == MODEL:
                _sample(found, places, part, draw)
        found.cases += [_light(case) for case in part]
    return found


def _parts(cases: Iterable[Case], size: int) -> Iterator[list[Case]]:
    remaining = iter(cases)
    while part := list(islice(remaining, max(1, min(PART, CELLS // size)))):
        yield part


def _unseen(scores: Array, part: Sequence[Case]) -> Array:
    """The scores with -inf where the user has met the item."""
    scores = scores.astype(np.float64)
    for row, case in zip(scores, part, strict=True):
        row[case.seen] = -np.inf
    return scores


def _sample(found: Evaluation, scores: Array, part: Sequence[Case], draw: np.random.Generator) -> None:
    """Keep the scores of the target and of unseen items drawn at random, where the target can be ranked at all."""
    for row, case in zip(scores, part, strict=True):
        others = np.unique(draw.integers(len(row), size=OVERSAMPLED * SAMPLED))
        others = draw.permutation(others[np.isfinite(row[others]) & (others != case.target)])[:SAMPLED]
        rankable = case.target >= 0 and np.isfinite(row[case.target])
        chosen = np.array([case.target, *others] if rankable else [], np.int64)
        found.sampled.append(chosen)
        found.scores.append(row[chosen])


def _light(case: Case) -> Case:
    return replace(case, user={}, items={})
