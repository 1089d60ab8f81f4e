"""What the API answers. Fields that this version does not know are passed over: old clients read new APIs."""

import time
from typing import Any
from uuid import uuid4

import msgspec

from serving.client.reasons import Change, Explanation
from streaming.events import Action, Interaction


class RankedItem(msgspec.Struct, frozen=True):
    """One place of a ranking; an unknown item has no score."""

    item_id: str
    score: float | None = None
    source: str | None = None  # what proposed it, where the API chose the candidates
    explanation: Explanation | None = None  # where it was asked for


class Asker(msgspec.Struct, frozen=True):
    """For whom a ranking was asked, and where: what the events that cite it have to repeat."""

    user_id: str | None = None
    session_id: str | None = None
    context: dict[str, Any] | None = None
    offset: int = 0


class Ranking(msgspec.Struct, frozen=True):
    """Items, best first; its methods make the events that say what became of it."""

    request_id: str
    model_version: str
    items: list[RankedItem]
    unknown_items: list[str] = []
    unavailable_items: list[str] = []
    degraded: list[str] = []  # what did not work as it should; empty when all is well
    took_ms: dict[str, float] = {}  # by stage
    stages: list[Change] = []  # of a dry run: what each of them changed
    asker: Asker = Asker()  # filled in by the client

    @property
    def item_ids(self) -> list[str]:
        """The items in their order."""
        return [each.item_id for each in self.items]

    def shown_to(self, user_id: str | None = None, session_id: str | None = None) -> "Ranking":
        """The same for the events of this user: similar items are asked for nobody."""
        asker = msgspec.structs.replace(self.asker, user_id=user_id, session_id=session_id)
        return msgspec.structs.replace(self, asker=asker)

    def impressions(self, shown: int | None = None) -> list[Interaction]:
        """That the first ``shown`` items (all of them by default) were seen, each in its position."""
        return [self.event("impression", item_id) for item_id in self.item_ids[:shown]]

    def event(self, action: Action, item_id: str, value: float | None = None) -> Interaction:
        """What happened to one of its items, now, citing it. Raises ValueError for another item."""
        if item_id not in (item_ids := self.item_ids):
            raise ValueError(f"item {item_id!r} is not in ranking {self.request_id}: make an Interaction of your own")
        return Interaction(
            event_id=uuid4().hex,
            user_id=self.asker.user_id,
            session_id=self.asker.session_id,
            item_id=item_id,
            action=action,
            timestamp=time.time_ns() // 1_000_000,
            value=value,
            request_id=self.request_id,
            position=self.asker.offset + item_ids.index(item_id),
            context=self.asker.context,
        )


class Rankings(msgspec.Struct, frozen=True):
    """Rankings in the order they were asked for."""

    request_id: str
    model_version: str
    rankings: list[Ranking]
    degraded: list[str] = []
    took_ms: dict[str, float] = {}


class Rejected(msgspec.Struct, frozen=True):
    """An event that was not taken; ``index`` counts the events sent from 0; ``retry``: it may be sent again."""

    index: int
    reason: str
    retry: bool = False


class Receipt(msgspec.Struct, frozen=True):
    """What the broker has acknowledged."""

    accepted: int
    rejected: list[Rejected] = []
    request_id: str = ""


class Feature(msgspec.Struct, frozen=True):
    """A value and the time of what last changed it."""

    value: Any
    at: str  # ISO 8601, UTC


class Visit(msgspec.Struct, frozen=True):
    """Something a user did; the title is empty where the catalogue has none."""

    item_id: str
    action: str
    at: str  # ISO 8601, UTC
    title: str = ""


class Known(msgspec.Struct, frozen=True):
    """What rankings know of a user, by the names of the features; the history, newest first."""

    request_id: str
    user_id: str
    read_at: str  # ISO 8601, UTC; counters are as of then
    features: dict[str, Feature] = {}
    history: list[Visit] = []
    expired: bool = False  # too long without a sign of life: rankings go by the attributes alone
