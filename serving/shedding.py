"""More requests at once than can be answered in time -> 503 for what comes beyond, while it costs nothing yet.

Rankings and other requests are counted apart: events that wait for a broker must not keep rankings out.
"""

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import refuse

RANKINGS: Final = frozenset({"/v1/rank", "/v1/recommend", "/v1/similar", "/v1/search", "/v1/batch"})
ALWAYS: Final = frozenset({"/health/live", "/health/ready", "/metrics"})


class Shedding:
    """ASGI middleware; ``shed`` counts what was turned away."""

    def __init__(self, app: ASGIApp, most: int, shed: dict[str, int]) -> None:
        self._app, self._most, self._shed = app, most, shed
        self._under_way = {"rankings": 0, "others": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self._app(scope, receive, send)
            return
        lane = "rankings" if scope["path"] in RANKINGS else "others"
        if self._under_way[lane] >= self._most:
            self._shed[lane] += 1
            reason = f"{self._most} {lane} are under way: try again in a second, or start more API workers"
            await refuse(Request(scope), 503, "overloaded", reason)(scope, receive, send)
            return
        self._under_way[lane] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[lane] -= 1
