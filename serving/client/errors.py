"""What can go wrong for an application that asks the API.

FreshrankError
├── Refused        the API will not do it: the request has to change (4xx)
├── Unavailable    not now: overloaded, a neighbour away, no connection; it was asked again as long as allowed
├── Broken         an answer that cannot be read, or the API's own failure (500)
├── QueueFull      events come faster than they can be sent
└── NotTaken       events, items or users that were not taken, each with its reason
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from streaming.events import Interaction, Item, Merge, User

Event = Interaction | Merge
Sent = Event | Item | User
NAMED = 3  # how many of the lost a message names


class Lost(NamedTuple):
    """What was not taken, and why; ``retry``: sent again it may be."""

    message: Any  # Interaction, Merge, Item or User
    reason: str
    retry: bool = False


class FreshrankError(Exception):
    """Anything of the below."""


class Refused(FreshrankError):
    """The API will not do it; ``field`` names the part of the request that is wrong."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{message} ({status} {code}{f', field {field}' if field else ''})")
        self.status, self.code, self.field = status, code, field


class Unavailable(FreshrankError):
    """Not now; ``status`` is None where nothing answered, ``retry_after`` seconds were asked for."""

    def __init__(self, message: str, status: int | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class Broken(FreshrankError):
    """An answer that cannot be read, or a failure inside the API."""


class QueueFull(FreshrankError):
    """Events come faster than they can be sent; this one was not taken."""


class NotTaken(FreshrankError):
    """What was not taken, in ``lost``; ``accepted`` of the same call were."""

    def __init__(self, lost: Sequence[Lost], accepted: int | None = None) -> None:
        few = "; ".join(f"{each.message.key}: {each.reason}" for each in lost[:NAMED])
        more = f"; and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        super().__init__(f"{len(lost)} not taken{'' if accepted is None else f', {accepted} accepted'}: {few}{more}")
        self.lost, self.accepted = list(lost), accepted
