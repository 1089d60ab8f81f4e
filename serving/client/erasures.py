"""What the API answers to deletions, and of what became of them."""

import msgspec


class Deletion(msgspec.Struct, frozen=True):
    """A deletion that was taken; ``Client.receipt`` tells what became of it."""

    receipt_id: str
    request_id: str = ""


class Removed(msgspec.Struct, frozen=True):
    """What a store lost."""

    store: str
    rows: int
    at: str  # ISO 8601, UTC


class Erasure(msgspec.Struct, frozen=True):
    """What became of a deletion: docs/forgetting.md."""

    request_id: str
    receipt_id: str
    kind: str  # user or item
    state: str  # asked, erasing, erased, done
    asked_at: str  # ISO 8601, UTC, as the other times
    begun_at: str | None = None
    done_at: str | None = None
    removed: list[Removed] = []
    kept: str = ""  # what is not removed at once, and why
