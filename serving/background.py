"""Work that goes on beside the requests for as long as the API runs."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

log = logging.getLogger(__name__)


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these coroutines beside the block, cancel them at its end; one that fails stops the process."""
    tasks = [asyncio.create_task(each) for each in work]
    for task in tasks:
        task.add_done_callback(_stop_on_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _stop_on_failure(task: "asyncio.Task[None]") -> None:
    """An API that no longer follows its neighbours would answer with old rows for ever: better restarted."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("stopping, because background work failed", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
