"""slate -> the same with less weight on what was served again and again."""

from collections import Counter
from typing import Annotated

import msgspec
import numpy as np

from serving.slate.slate import Given, Slate, Stage

HOUR = 3_600_000  # milliseconds


class Fatigue(Stage, frozen=True, tag="fatigue"):
    """Take this much off a score for every time the item was served within so many hours."""

    phase = "score"

    per_serving: Annotated[float, msgspec.Meta(ge=0)] = 0.1
    hours: Annotated[float, msgspec.Meta(gt=0)] = 24


def fatigue(slate: Slate, given: Given, settings: Fatigue) -> Slate:
    served = given.served
    recent = served.rows[served.at >= given.now_ms - settings.hours * HOUR]
    if not len(recent):
        return slate
    times = Counter(recent.tolist())
    counts = np.fromiter((times[row] for row in given.of(slate).tolist()), np.float64, len(slate.places))
    return slate.rescore(-settings.per_serving * counts)
