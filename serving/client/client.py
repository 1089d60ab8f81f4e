"""A connection to the API for applications, blocking; async_client.py has the other one.

with Client("http://127.0.0.1:8080") as client:
    ranking = client.rank(["50", "181"], user_id="7")
    client.events([ranking.event("click", "50")])
"""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from serving.client import calls
from serving.client.call import Call, answer
from serving.client.retries import USUAL, Outcome, Patience, Retries

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
TIMEOUT = 5.0  # seconds an attempt waits for the API at each step
log = logging.getLogger(__name__)


def _method(make: Callable[Asked, Call[Answer]]) -> Callable[Concatenate["Client", Asked], Answer]:
    @wraps(make)
    def method(client: "Client", /, *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        return client.send(make(*args, **kwargs))

    return method


class Client:
    """An open connection; share one, it is thread-safe. ``key`` is an API key, where the API wants one."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        timeout: float = TIMEOUT,
        retries: Retries = USUAL,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=url, headers=headers(key), timeout=timeout, transport=transport)
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

    def send(self, call: Call[Answer], retries: Retries | None = None) -> Answer:
        """Ask until there is an answer or patience ends. Raises what errors.py has."""
        patience = Patience(retries or self._retries)
        while (wait := patience.wait(outcome := self._try(call))) is not None:
            log.info("%s %s again in %.2f s: %s", call.method, call.path, wait, outcome)
            time.sleep(wait)
        return answer(call, outcome)

    def close(self) -> None:
        self._http.close()

    def _try(self, call: Call[Answer]) -> Outcome:
        try:
            return self._http.send(call.request(self._http))
        except httpx.TransportError as error:
            return error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def headers(key: str | None) -> dict[str, str]:
    """What every request says of who asks."""
    return {"authorization": f"Bearer {key}"} if key else {}
