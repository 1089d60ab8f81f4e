"""slate -> the same without what the user was served a moment ago."""

from typing import Annotated

import msgspec
import numpy as np

from serving.slate.slate import Array, Given, Slate, Stage, among

MINUTE = 60_000  # milliseconds


class NotServed(Stage, frozen=True, tag="served"):
    """Leave out what was served within so many minutes, as long as a page of other items is left.

    What was served longest ago fills the last places where it is not.
    """

    phase = "drop"

    minutes: Annotated[float, msgspec.Meta(gt=0)] = 30


def not_served(slate: Slate, given: Given, settings: NotServed) -> Slate:
    served, since = given.served, given.now_ms - settings.minutes * MINUTE
    recent = served.rows[served.at >= since].tolist()
    if not recent:
        return slate
    kept = ~among(given.of(slate), set(recent))
    lacking = min(given.end, len(kept)) - int(kept.sum())
    if lacking > 0:
        kept[_longest_ago(given.of(slate), kept, recent)[:lacking]] = True
    return slate.keep(kept)


def _longest_ago(rows: Array, kept: Array, recent: list[int]) -> Array:
    last = {row: place for place, row in enumerate(recent)}  # of several servings the last one
    left_out = np.flatnonzero(~kept)
    ages = np.array([last[row] for row in rows[left_out].tolist()])
    oldest: Array = left_out[np.argsort(ages, kind="stable")]
    return oldest
