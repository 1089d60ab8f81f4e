"""Pure: what counts for an item -> one sentence that says why it is there."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from serving.explain.explanation import Influence, StageMove

NAMED = 2  # items of the history
LEAST = 0.25  # of what the strongest adds: less is not worth a mention
DID = {
    "view": "looked at",
    "click": "clicked",
    "like": "liked",
    "cart": "put into the cart",
    "purchase": "bought",
    "rating": "rated",
    "dismiss": "turned down",
}
PLACED = {"pin": "pinned here", "promote": "promoted", "new": "new items get a share of the places"}
SOURCES = {"continue": "you left it unfinished", "popular": "popular now", "trending": "rising today", "new": "new"}
GROUPS = {
    "query": "it fits what you typed",
    "user_categories": "of a kind that you often choose",
    "item_popularity": "popular now",
    "context": "it fits the moment",
    "user_attributes": "people like you choose it",
}
NOTHING = "it is the best match to what is known"


class Facts(NamedTuple):
    """What is to be said of one item."""

    history: Sequence[Influence]  # the strongest first
    features: Mapping[str, float]
    stages: Sequence[StageMove] = ()
    source: str | None = None
    rising: bool = False
    new: bool = False


def sentence(facts: Facts) -> str:
    """``because you liked X and Y; rising today``."""
    reasons = [PLACED[each.stage] for each in facts.stages if each.stage in PLACED and each.was != each.now]
    reasons += because(facts.history)
    reasons += ["rising today"] * facts.rising
    reasons += ["new"] * facts.new
    reasons += [SOURCES[facts.source]] if facts.source in SOURCES else []
    reasons += strongest(facts.features)
    return "; ".join(dict.fromkeys(reasons)) or NOTHING


def because(history: Sequence[Influence]) -> list[str]:
    """The items of the history that speak for it most; what was turned down speaks for nothing."""
    fond = [each for each in history if each.adds > 0 and each.action != "dismiss"]
    named = [each for each in fond if each.adds >= LEAST * fond[0].adds][:NAMED]
    if not named:
        return []
    told = [f"{DID[did]} {_listed([_name(each) for each in many])}" for did, many in groupby(named, lambda e: e.action)]
    return [f"because you {_listed(told)}"]


def strongest(features: Mapping[str, float]) -> list[str]:
    """The group of features that speaks for it most, the history apart."""
    speaking = {group: adds for group, adds in features.items() if group in GROUPS and adds > 0}
    return [GROUPS[max(speaking, key=speaking.__getitem__)]] if speaking else []


def _name(influence: Influence) -> str:
    return influence.title or influence.item_id


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
