"""A connection to the API for asynchronous applications: client.py with ``await``."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from serving.client import calls
from serving.client.call import Call, answer
from serving.client.client import TIMEOUT, headers
from serving.client.retries import USUAL, Outcome, Patience, Retries

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


def _method(make: Callable[Asked, Call[Answer]]) -> Callable[Concatenate["AsyncClient", Asked], Awaitable[Answer]]:
    @wraps(make)
    async def method(client: "AsyncClient", /, *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        return await client.send(make(*args, **kwargs))

    return method


class AsyncClient:
    """An open connection, for one event loop. ``key`` is an API key, where the API wants one."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        timeout: float = TIMEOUT,
        retries: Retries = USUAL,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers=headers(key), timeout=timeout, transport=transport)
        self._retries = retries

    rank = _method(calls.rank)
    recommend = _method(calls.recommend)
    batch = _method(calls.batch)
    similar = _method(calls.similar)
    search = _method(calls.search)
    user = _method(calls.user)
    events = _method(calls.events)
    items = _method(calls.items)
    users = _method(calls.users)
    merge = _method(calls.merge)
    delete_item = _method(calls.delete_item)
    delete_user = _method(calls.delete_user)
    receipt = _method(calls.receipt)

    async def send(self, call: Call[Answer], retries: Retries | None = None) -> Answer:
        """Ask until there is an answer or patience ends. Raises what errors.py has."""
        patience = Patience(retries or self._retries)
        while (wait := patience.wait(outcome := await self._try(call))) is not None:
            log.info("%s %s again in %.2f s: %s", call.method, call.path, wait, outcome)
            await asyncio.sleep(wait)
        return answer(call, outcome)

    async def close(self) -> None:
        await self._http.aclose()

    async def _try(self, call: Call[Answer]) -> Outcome:
        try:
            return await self._http.send(call.request(self._http))
        except httpx.TransportError as error:
            return error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
