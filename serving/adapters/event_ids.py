"""What makes a foreign event the same event -> its idempotency key: sent again, it counts once."""

from uuid import UUID, uuid5

import msgspec

_SPACE = UUID("1d2fbf1b-6d1c-4f5c-9d3f-3a6f2f6f0c55")  # any constant will do, as long as it never changes


def event_id(*parts: str | int) -> str:
    """The same id for the same parts, wherever and whenever it is asked."""
    return str(uuid5(_SPACE, msgspec.json.encode(parts).decode()))
