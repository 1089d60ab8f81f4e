"""What a caller asks: whose ranking, of what, how it is to be made, and how long it may take."""

from typing import Annotated, Any

import msgspec

from feature_repo.context import QUERY
from serving.errors import InvalidRequest
from streaming.events import Id, session_key

MOST_EXCLUDED = 10_000  # ids in ``exclude``
LONGEST_FILTER = 2_000  # characters
LONGEST_QUERY = 1_000  # characters
MOST_SAID = 64  # pairs of ``context``: the model reads the first few, and looking through thousands would take time
ItemId = Annotated[str, msgspec.Meta(max_length=256)]
Said = Annotated[dict[str, Any], msgspec.Meta(max_length=MOST_SAID)]  # device, surface, query, free keys


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all rankings have in common: a user's or an anonymous session's."""

    user_id: Id | None = None
    session_id: Id | None = None  # where no user is known
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0  # places of the ranking that are skipped: the next page
    context: Said | None = None
    surface: Annotated[str, msgspec.Meta(max_length=64)] | None = None  # which slate rules hold
    filter: Annotated[str, msgspec.Meta(max_length=LONGEST_FILTER)] | None = None  # an expression on item attributes
    exclude: Annotated[list[ItemId], msgspec.Meta(max_length=MOST_EXCLUDED)] = []  # items that must not come back
    diversity: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    explain: bool = False
    deadline_ms: Annotated[int, msgspec.Meta(ge=1)] | None = None  # the whole answer, from its arrival

    @property
    def key(self) -> str:
        """The entity of the user features, as in an interaction."""
        return self.user_id or session_key(self.session_id)


class RankRequest(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The caller's own list, to be put in order; the first k of it."""

    items: list[ItemId]
    k: Annotated[int, msgspec.Meta(ge=1)] | None = None


class RecommendRequest(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The best k of the whole catalogue."""

    k: Annotated[int, msgspec.Meta(ge=1)] = 10
    query: Annotated[str, msgspec.Meta(max_length=LONGEST_QUERY)] | None = None  # what was typed, as in ``context``

    @property
    def said(self) -> dict[str, Any] | None:
        """The context with the query in it."""
        return self.context if self.query is None else {**(self.context or {}), QUERY: self.query}


def check(asked: Asked) -> None:
    """Raise InvalidRequest where nobody is named."""
    if asked.user_id is None and asked.session_id is None:
        raise InvalidRequest("a ranking needs a `user_id` or a `session_id`", "user_id")
