"""What came after the training labels -> how good the weights of now are: what chooses epochs and the worth of parts.

Where requests were logged, what was shown in them says more than the whole catalogue: nobody chose among all items.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import feature_repo.lean_feast  # noqa: F401

import numpy as np
from feast import FeatureStore
from torch import Tensor

from feature_repo.settings import StoreSettings
from training.cases import Case, walk
from training.impressions import MEASURES, of_model, of_slate
from training.metrics import CUT, summary
from training.queries import Queries
from training.recommender import Recommender
from training.samples import Catalogue
from training.slates import Slate, outcomes, walk_slates
from training.window import MIN_SEEN, ROLL, Window, open_window

ENOUGH = 200  # slates; fewer say too little to choose by
SHOWN = f"shown_ndcg@{CUT}"


@dataclass
class HeldOut:
    """Cases that rank the whole catalogue, and slates that rank what was shown."""

    cases: list[Case] = field(default_factory=list)
    slates: list[Slate] = field(default_factory=list)

    def measured(self, recommender: Recommender, text: Tensor) -> dict[str, float]:
        """Metrics of the vectors alone among all items, and of whole scores among what was shown; none without cases.

        What numbers and lists are worth beside the vectors among all items is found when all is trained (stacking.py).
        """
        found = summary(recommender.ranks(self.cases, text, by_vectors=True)) if self.cases else {}
        if self.slates:
            scores, draw = of_model(recommender, text), np.random.default_rng(0)
            each = [of_slate(scores(slate), slate.clicked, draw.random(len(slate.rows))) for slate in self.slates]
            means = np.mean(each, axis=0).tolist()
            found |= {f"shown_{name}": mean for name, mean in zip(MEASURES, means, strict=True)}
        return found


def mark(record: Mapping[str, float]) -> float | None:
    """What an epoch is chosen by: NDCG@10 of what was shown where that was measured, else among all items."""
    return record.get(SHOWN, record.get(f"ndcg@{CUT}"))


def held_out(
    store: FeatureStore,
    settings: StoreSettings,
    snapshot: Path,
    catalogue: Catalogue,
    queries: Queries | None = None,
    limit: int | None = None,
) -> HeldOut:
    """At most ``limit`` cases and as many slates of the validation window, with rows of ``queries``."""

    def opened() -> Window:
        window = open_window(store, settings, snapshot, catalogue, validation=True)
        window.world.queries = queries or Queries()
        return window

    window = opened()
    slated = len(outcomes(window.events, window.world)) >= ENOUGH
    cases = list(walk(window.world, window.events, ROLL, MIN_SEEN, limit=limit))
    if not slated:
        return HeldOut(cases)
    window = opened()  # walking moved the world
    return HeldOut(cases, list(islice(walk_slates(window.world, window.events), limit)))
