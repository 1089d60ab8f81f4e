"""Other recommenders' names of what users do -> our actions."""

from collections.abc import Mapping
from typing import Final

from streaming.events import Action, InvalidEvent

ACTIONS: Final[Mapping[str, Action]] = {
    "impression": "impression",
    "show": "impression",
    "view": "view",
    "read": "view",
    "watch": "view",
    "click": "click",
    "open": "click",
    "like": "like",
    "star": "like",
    "favorite": "like",
    "share": "like",
    "cart": "cart",
    "add_to_cart": "cart",
    "purchase": "purchase",
    "buy": "purchase",
    "order": "purchase",
    "rating": "rating",
    "rate": "rating",
    "dismiss": "dismiss",
    "dislike": "dismiss",
    "hide": "dismiss",
}


def action_of(name: str, known: Mapping[str, Action]) -> Action:
    """Our action for a foreign name. Raises InvalidEvent that lists the known ones."""
    if name in known:
        return known[name]
    names = ", ".join(sorted(known))
    raise InvalidEvent(f"unknown action {name!r}; known are {names}; add yours to FRESHRANK_FOREIGN_ACTIONS")
