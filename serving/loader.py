"""catalogue.wanted -> rows from the online store, in the background."""

import asyncio
import logging
import time
from itertools import islice

from serving import item_rows
from serving.catalogue import WANTED_LIMIT, Catalogue
from serving.errors import ServingError
from serving.item_rows import ItemRows

IDLE = 0.02  # seconds between looks for wanted items
PAUSE = 1.0  # seconds after the store did not answer
FORGET_ABSENT = 5.0  # seconds before an item that was not found is looked for again
log = logging.getLogger(__name__)


class Loader:
    """Loads what the catalogue wants; what cannot be loaded now stays wanted."""

    def __init__(self, catalogue: Catalogue, rows: ItemRows) -> None:
        self._catalogue = catalogue
        self._rows = rows
        self._forgot_at = time.monotonic()
        self._problem = ""

    async def run(self) -> None:
        """Load for ever."""
        while True:
            try:
                busy = await self.load_some()
                self._problem = ""
            except ServingError as error:
                self._note(str(error))
                await asyncio.sleep(PAUSE)
                continue
            await asyncio.sleep(0 if busy and not self._catalogue.loaded else IDLE)

    async def load_some(self) -> bool:
        """Load a few items; False when there was nothing to do. Raises ServingError, losing nothing."""
        self._forget()
        if self._catalogue.wanted:
            await self._read(list(islice(self._catalogue.wanted, item_rows.BATCH)))
            return True
        self._catalogue.loaded = bool(self._catalogue.table)  # from now on rankings come first: batches pause
        return False

    async def _read(self, item_ids: list[str]) -> None:
        rows = await self._rows.read(item_ids)
        for view, found in rows.items():
            for item_id, row in found.items():
                self._catalogue.put(view, item_id, row)
        for item_id in item_ids:
            self._catalogue.wanted.pop(item_id, None)
            if item_id not in rows["item_content"] and len(self._catalogue.absent) < WANTED_LIMIT:
                self._catalogue.absent.add(item_id)

    def _note(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("some items are not loaded yet: %s", problem)
        self._problem = problem

    def _forget(self) -> None:
        if time.monotonic() - self._forgot_at > FORGET_ABSENT:
            self._forgot_at = time.monotonic()
            self._catalogue.absent.clear()
