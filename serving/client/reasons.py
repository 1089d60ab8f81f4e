"""Why items stand where they do: what an explained answer says of each, and a dry run of each stage."""

import msgspec


class Influence(msgspec.Struct, frozen=True):
    """An item of the user's history, and what it adds to the score."""

    item_id: str
    adds: float
    title: str = ""
    action: str = ""
    at: str = ""  # ISO 8601, UTC


class StageMove(msgspec.Struct, frozen=True):
    """What a stage did to an item: its place before and after, 1 is the top, and what it added to its score."""

    stage: str
    was: int | None = None
    now: int | None = None
    added: float | None = None


class Explanation(msgspec.Struct, frozen=True):
    """Why an item stands where it does: docs/explain.md."""

    sentence: str
    history: list[Influence] = []
    features: dict[str, float] = {}
    stages: list[StageMove] = []
    times: dict[str, str] = {}


class Moved(msgspec.Struct, frozen=True):
    """An item's place before and after a stage; 1 is the top."""

    item_id: str
    was: int
    now: int


class Rescored(msgspec.Struct, frozen=True):
    """What a stage added to an item's score."""

    item_id: str
    added: float


class Change(msgspec.Struct, frozen=True):
    """What one stage of a slate did: how many items it left, which it dropped, moved and gave another score."""

    stage: str
    left: int = 0
    dropped: list[str] = []
    moved: list[Moved] = []
    rescored: list[Rescored] = []
