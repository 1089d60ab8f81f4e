"""slate -> the same with a share of its places for some items: promoted ones, new ones."""

import math
from typing import Annotated

import msgspec
import numpy as np

from serving.slate.columns import DAY
from serving.slate.expression import parse
from serving.slate.slate import Array, Given, Slate, Stage

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_DUST = 1e-9  # 0.29 * 100 is a little less than 29


class Promote(Stage, frozen=True, tag="promote"):
    """Give items that an expression holds for at least, and at most, a share of the places from the top."""

    phase = "order"

    where: str
    at_least: Share = 0.0
    at_most: Share = 1.0

    def __post_init__(self) -> None:
        parse(self.where)
        if self.at_least > self.at_most:
            raise ValueError(f"`at_least` {self.at_least} is more than `at_most` {self.at_most}")


class New(Stage, frozen=True, tag="new"):
    """Give items that were published within so many days at least a share of the places from the top."""

    phase = "order"

    days: Annotated[float, msgspec.Meta(gt=0)]
    at_least: Share


def promote(slate: Slate, given: Given, settings: Promote) -> Slate:
    chosen = parse(settings.where).holds(given.columns(slate))
    return slate.reorder(shared(chosen, settings.at_least, settings.at_most, given.end))


def new(slate: Slate, given: Given, settings: New) -> Slate:
    published = given.column(slate, "item_published_at")
    fresh = (published != 0) & (published >= given.now_ms - settings.days * DAY)
    return slate.reorder(shared(fresh, settings.at_least, 1.0, given.end))


def shared(chosen: Array, at_least: float, at_most: float, end: int) -> Array:
    """Positions in a new order: of its first m places, m up to ``end``, floor(m * at_least) are chosen ones and at most
    ceil(m * at_most), as long as there are enough of either kind; both kinds keep their order."""
    total, share = len(chosen), int(chosen.sum())
    if share in (0, total):
        return np.arange(total)
    ours, others = np.flatnonzero(chosen).tolist(), np.flatnonzero(~chosen).tolist()
    order: list[int] = []
    taken = 0
    while len(order) < min(end, total) and taken < len(ours) and len(order) - taken < len(others):
        place = len(order) + 1
        if taken < math.floor(place * at_least + _DUST):
            ahead = True
        elif taken + 1 > math.ceil(place * at_most - _DUST):
            ahead = False
        else:
            ahead = ours[taken] < others[len(order) - taken]
        order.append(ours[taken] if ahead else others[len(order) - taken])
        taken += ahead
    rest = sorted(ours[taken:] + others[len(order) - taken :])
    return np.array(order + rest)
