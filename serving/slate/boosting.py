"""slate -> the same with rules added to the scores: boosts where they are positive, burying where they are negative."""

import math

import msgspec
import numpy as np

from serving.slate.expression import parse
from serving.slate.slate import Given, Slate, Stage


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is added to the score of items that an expression holds for; 0.7 doubles their odds, -0.7 halves them."""

    where: str
    add: float

    def __post_init__(self) -> None:
        parse(self.where)
        if not math.isfinite(self.add):
            raise ValueError("`add` is a finite number")


class Boost(Stage, frozen=True, tag="boost"):
    """Add to scores by rules; several that hold add up."""

    phase = "score"

    rules: tuple[Rule, ...]


def boost(slate: Slate, given: Given, settings: Boost) -> Slate:
    columns, added = given.columns(slate), np.zeros(len(slate.places))
    for rule in settings.rules:
        added += rule.add * parse(rule.where).holds(columns)
    return slate.rescore(added) if added.any() else slate
