"""Who is ready? One question per neighbour; an answer is "" or what is wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from serving.catalogue import Catalogue
from serving.errors import NoModel, OnlineStoreUnavailable
from serving.item_changes import ItemChanges
from serving.models import Models
from serving.ranker import MODEL, Triton
from serving.user_features import UserFeatures

Check = Callable[[], Awaitable[str]]
NOBODY = "readiness"  # a user whose row is read to see that reading works


async def unready(checks: Mapping[str, Check]) -> dict[str, str]:
    """What is not ready, and why; every check is asked at the same time."""
    answers = await asyncio.gather(*(check() for check in checks.values()))
    return {name: problem for name, problem in zip(checks, answers, strict=True) if problem}


def online_store(users: UserFeatures) -> Check:
    """Whether users can be read."""

    async def check() -> str:
        try:
            await users.read(NOBODY)
        except OnlineStoreUnavailable as error:
            return str(error)
        return ""

    return check


def triton_server(triton: Triton) -> Check:
    """Whether Triton answers."""

    async def check() -> str:
        return "" if await triton.live() else f"triton at {triton.address} does not answer"

    return check


def model(models: Models, triton: Triton, required: bool = True) -> Check:
    """Whether a bundle is promoted and Triton has its ranker; one that is not ``required`` may be yet to come."""

    async def check() -> str:
        try:
            version = models.current().triton_version
        except NoModel as error:
            return "" if models.awaited and not required else str(error)
        return "" if await triton.has(MODEL, version) else f"Triton has no {MODEL} version {version}"

    return check


def broker(address: str, timeout: float = 1.0) -> Check:
    """Whether the broker accepts connections."""
    host, _, port = address.rpartition(":")

    async def check() -> str:
        try:
            async with asyncio.timeout(timeout):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError) as error:
            return f"no broker answers at {address}: {error or 'timeout'}"
        writer.close()
        return ""

    return check


def item_changes(changes: ItemChanges) -> Check:
    """Whether the topic that keeps the item table current is being read."""

    async def check() -> str:
        return "" if changes.following else "the topic item-changes is not being read (the worker creates it)"

    return check


def item_table(catalogue: Catalogue) -> Check:
    """Whether the promoted bundle's items have their rows."""

    async def check() -> str:
        if not len(catalogue.table):
            return "the item table is empty: no bundle was read and no item has changed"
        return "" if catalogue.loaded else f"the item table is being filled: {len(catalogue.wanted)} items to go"

    return check
