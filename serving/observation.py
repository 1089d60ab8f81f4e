"""Around every request: how long it took, counted by route, and one log line."""

import asyncio
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics

QUIET = ("/health/live", "/health/ready", "/metrics")  # asked every few seconds by machines
log = logging.getLogger(__name__)


class Observation:
    """ASGI middleware; a route may add to the log line by setting ``request.state.line``."""

    def __init__(self, app: ASGIApp, metrics: Metrics, masked: bool = False) -> None:
        self._app = app
        self._metrics = metrics
        self._masked = masked  # paths that are none of ours may name users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # after the answer has left: the event loop flushes what was sent before it takes up the next call
            asyncio.get_running_loop().call_soon(self._note, scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(route, str(status)).observe(seconds)
        if route not in QUIET:
            state = scope.get("state", {})
            key = f" key={state['key_id']}" if "key_id" in state else ""
            place = repr(scope["path"]) if route == "other" and not self._masked else route
            log.info("%s %s %d %.2fms%s%s", scope["method"], place, status, seconds * 1000, key, state.get("line", ""))
