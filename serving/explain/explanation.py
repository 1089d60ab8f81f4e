"""What an answer says of one item: why it is there."""

import msgspec


class Influence(msgspec.Struct, frozen=True):
    """An item of the user's history, and what it adds to the score: with it, less without it."""

    item_id: str
    title: str  # "" where the catalogue has none
    action: str  # the last one
    at: str  # ISO 8601, UTC
    adds: float


class StageMove(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stage of the slate did to the item: its place before and after, 1 is the top, and its score."""

    stage: str
    was: int | None = None
    now: int | None = None
    added: float | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an item stands where it does."""

    sentence: str
    history: list[Influence] = []  # those that speak most for it, then those most against it
    features: dict[str, float] = {}  # group of features -> what it adds
    stages: list[StageMove] = []
    times: dict[str, str] = {}  # view -> when what was read of it was written, ISO 8601, UTC
