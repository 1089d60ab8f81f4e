"""What may be said of a list of items that is asked for; docs/api.md says more of each."""

from typing import Any, TypedDict


class Page(TypedDict, total=False):
    """What may be said of every list of items."""

    k: int  # how many items
    offset: int  # how many of the best to leave out: the next page
    surface: str  # where they are shown: its slate rules apply
    filter: str  # an expression on item attributes
    exclude: list[str]  # items not to be shown
    deadline_ms: int  # the whole of it must not take longer


class Searched(Page, total=False):
    """What may be said of a search."""

    user_id: str
    session_id: str  # where no user is known
    context: dict[str, Any]  # device, country, referrer, free keys


class Asked(Searched, total=False):
    """What may be said of a ranking; ``user_id`` or ``session_id`` must be, ``context`` may hold a query."""

    diversity: float  # 0 to 1
    explain: bool


class Recommended(Asked, total=False):
    """What may be said of a recommendation."""

    query: str  # what was typed, as in ``context``
