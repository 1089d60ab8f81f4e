"""Answered pages -> what a user was served lately, for the stages that look at it; shared by all API processes.

Only surfaces with such a stage ask and write. The question goes out beside that for the user's features, and a page is
written after its answer: neither delays a ranking.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from redis.exceptions import RedisError

from feature_repo.item_table import ItemTable
from feature_repo.served import Page, decode, encode
from serving.budget import READ, Budget
from serving.slate.slate import NOTHING_SERVED, Served

ITEMS = 200  # of one page; what stands below was hardly seen
WRITING, SECONDS = 100, 1.0  # pages under way at once, and how long each may take
LOST = "served: not known"
log = logging.getLogger(__name__)


class Pages(Protocol):
    """Where pages are kept."""

    async def read(self, user_id: str) -> Sequence[bytes]: ...

    async def add(self, user_id: str, page: bytes) -> None: ...


class Remembered(NamedTuple):
    """Pages of a user, oldest first, and what did not work when they were asked for."""

    pages: Sequence[Page] = ()
    degraded: tuple[str, ...] = ()


NOTHING_KNOWN = Remembered()


class ServedLists:
    """The way to the pages; a page that cannot be kept is counted and said."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._writing: set[asyncio.Task[None]] = set()
        self._problem = ""
        self.counts = {"kept": 0, "lost": 0}

    async def recall(self, user_id: str, budget: Budget, away: bool = False) -> Remembered:
        """What the user was served; nothing, and that this is so, where it is not known in time or not to be asked."""
        if away:
            return Remembered((), (LOST,))
        try:
            async with asyncio.timeout(budget.share(READ)):
                return Remembered([decode(page) for page in await self._pages.read(user_id)])
        except (RedisError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            self._say(error)
            return Remembered((), (LOST,))

    def remember(self, user_id: str, page: Page) -> None:
        """Have a page kept; returns at once. While many are under way it is lost: Redis hangs."""
        if len(self._writing) >= WRITING:
            self.counts["lost"] += 1
            return
        page = msgspec.structs.replace(page, item_ids=page.item_ids[:ITEMS])
        task = asyncio.ensure_future(self._add(user_id, page))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _add(self, user_id: str, page: Page) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                await self._pages.add(user_id, encode(page))
        except (RedisError, OSError, TimeoutError) as error:
            self.counts["lost"] += 1
            self._say(error)
        else:
            self.counts["kept"] += 1
            self._problem = ""

    def _say(self, error: Exception) -> None:
        problem = str(error) or type(error).__name__
        if not self._problem:
            log.warning("what users were served is not known: %s", problem)
        self._problem = problem


def served(pages: Sequence[Page], offset: int, table: ItemTable) -> Served:
    """What stages look at. A request for a further page is not to miss what stood on the pages before it: it sees what
    was served until its list began."""
    if offset:
        firsts = [place for place, page in enumerate(pages) if page.offset == 0]
        pages = pages[: firsts[-1]] if firsts else ()
    if not pages:
        return NOTHING_SERVED
    rows = table.rows(item_id for page in pages for item_id in page.item_ids)
    at = np.repeat([page.at for page in pages], [len(page.item_ids) for page in pages])
    known = rows >= 0
    return Served(rows[known], at[known])
