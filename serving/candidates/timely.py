"""A search -> what it finds in time: at once, or beside the event loop where it takes long."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
TOO_SLOW, FAILED = "too slow", "failed"
log = logging.getLogger(__name__)


async def timely(name: str, find: Callable[[], Array], ends: float, threads: Executor | None = None) -> Array | str:
    """What ``find`` returns, or why it is missing; ``ends`` is a time of the event loop.

    With ``threads`` it runs in one of them. One that has begun goes on when its time is over, and nobody listens.
    """
    loop = asyncio.get_running_loop()
    left = ends - loop.time()
    if left <= 0:
        return TOO_SLOW
    if threads is None:
        return found(name, find)
    try:
        return await asyncio.wait_for(loop.run_in_executor(threads, found, name, find), left)
    except TimeoutError:
        return TOO_SLOW


def found(name: str, find: Callable[[], Array]) -> Array | str:
    """What ``find`` returns, or that it took too long or failed; of a failure the log has the reason."""
    try:
        return find()
    except TimeoutError:
        return TOO_SLOW
    except Exception:
        log.exception("the source %s failed", name)
        return FAILED


def dropped(answers: Mapping[str, Array | str]) -> list[str]:
    """What is missing among the answers, as ``degraded`` says it."""
    return [f"source:{name}: {reason}" for name, reason in answers.items() if isinstance(reason, str)]
