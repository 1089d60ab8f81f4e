"""A user or session -> what is known of it: from the online store, else as it was last read, else nothing."""

from typing import NamedTuple

from serving.budget import READ, Budget
from serving.errors import OnlineStoreUnavailable
from serving.neighbours import Neighbours
from serving.user_features import UserRows

PATIENCE = 0.02  # seconds: forty times what a read takes; one that was given less says nothing of the store
LAST_KNOWN, UNKNOWN = "online_store: last known features", "online_store: no features"
NOTHING = UserRows({}, {})


class Known(NamedTuple):
    """Rows of a user, and what did not work when they were asked for."""

    user: UserRows
    degraded: tuple[str, ...] = ()


async def know(key: str, neighbours: Neighbours, budget: Budget) -> Known:
    """The rows of a user or a session, within its part of the budget; an absent store costs freshness alone."""
    store, last_known = neighbours.guards.online_store, neighbours.guards.last_known
    if store.allows():
        seconds = budget.share(READ)
        try:
            rows = await neighbours.users.read(key, seconds)
        except OnlineStoreUnavailable as error:
            store.fail(str(error), counts=seconds >= PATIENCE)
        else:
            store.succeed()
            last_known.put(key, rows)
            return Known(rows)
    kept = last_known.get(key)
    return Known(NOTHING, (UNKNOWN,)) if kept is None else Known(kept, (LAST_KNOWN,))
