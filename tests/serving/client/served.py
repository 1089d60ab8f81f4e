"""An ASGI app on a free port, and answers that were written beforehand."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from serving.app import create_app
from tests.serving.fakes import World


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The app, answering in a thread; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def api(world: World) -> Iterator[str]:
    """An API in this world; yields its address."""
    with served(create_app(world.settings, world.neighbours)) as url:
        yield url


class Script:
    """Gives these answers in turn, the last one for ever; keeps what it was asked. An exception is raised instead."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def mocked(script: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(script)


def receipt(accepted: int, *rejected: dict[str, Any]) -> httpx.Response:
    """What POST /v1/events answers."""
    return httpx.Response(200, json={"accepted": accepted, "rejected": list(rejected)})


def away(retry_after: str | None = None) -> httpx.Response:
    """What an overloaded API answers."""
    headers = {"retry-after": retry_after} if retry_after else {}
    return httpx.Response(503, json={"error": {"code": "broker_unavailable", "message": "away"}}, headers=headers)
