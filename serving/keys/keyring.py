"""The table of keys -> the keys in force, in memory: a request costs a hash, and none waits for a database.

Read again every few seconds, so a new key opens and a revoked one shuts within ``LOOK_EVERY``. While the database is
away the keys last read go on being good: it could take no revocation either.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from serving.errors import KeysUnavailable, Unauthorized
from serving.keys.key import Key, id_of, same

LOOK_EVERY = 5.0  # seconds
NO_KEYS = "no API key is in force, so nobody may ask: python -m serving.keys create NAME --scopes read-rankings"
log = logging.getLogger(__name__)


class Keyring:
    """The keys of this process; ``read`` gives every key there is."""

    def __init__(self, read: Callable[[], Sequence[Key]]) -> None:
        self._read = read
        self._keys: Mapping[str, Key] | None = None
        self._problem = "the API keys have not been read yet"

    def find(self, text: str) -> Key:
        """The key with this text. Raises Unauthorized, and KeysUnavailable before the first successful read."""
        if self._keys is None:
            raise KeysUnavailable(self._problem)
        known = self._keys.get(id_of(text))
        if same(known, text) and known and known.in_force(time.time_ns() // 1_000_000):
            return known
        raise Unauthorized("this API key is not in force: it was mistyped, revoked or has expired")

    async def watch(self) -> None:
        """Follow the table for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(LOOK_EVERY)

    async def refresh(self) -> None:
        """Read the table; what is known stays when it cannot be read."""
        try:
            keys = await asyncio.to_thread(self._read)
        except SQLAlchemyError as error:
            self._note(f"the API keys cannot be read: {error}")
            return
        now_ms = time.time_ns() // 1_000_000
        self._keys = {key.key_id: key for key in keys if key.in_force(now_ms)}
        self._note("" if self._keys else NO_KEYS)

    async def problem(self) -> str:
        """Why the keys are not known, for readiness; empty once they are, even if there is none."""
        return self._problem if self._keys is None else ""

    def _note(self, problem: str) -> None:
        if problem and problem != self._problem:
            log.warning("%s", problem)
        self._problem = problem
