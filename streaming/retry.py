"""a write that may fail -> the same write, again, until it holds or the worker has to stop."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

Result = TypeVar("Result")
TRANSIENT = (RedisError, SQLAlchemyError, OSError)
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0


class StoreAway(Exception):
    """A store did not come back in time; the events stay unacknowledged and will be read again."""


async def insist(
    action: Callable[[], Result], what: str, retries: int, failed: Callable[[], None] = lambda: None
) -> Result:
    """Run a blocking action in a thread, again with growing waits while its store is away; StoreAway in the end.

    ``failed`` is told of every attempt that found the store away.
    """
    wait = FIRST_WAIT_S
    for attempt in range(1, retries + 1):
        try:
            return await asyncio.to_thread(action)
        except TRANSIENT as error:
            failed()
            if attempt == retries:
                raise StoreAway(f"{what} failed {retries} times, the last time with: {error}") from error
            log.warning("%s failed (%s); attempt %d of %d follows in %.1f s", what, error, attempt + 1, retries, wait)
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_S)
    raise ValueError(f"retries must be positive, not {retries}")
