"""The headers of every answer that keep browsers from doing more with it than reading it.

Strict-Transport-Security is for whoever ends TLS: a load balancer, not this process.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING = "default-src 'none'; frame-ancestors 'none'"
_PAGES = (  # /docs and /redoc are FastAPI's pages, which load their scripts from there
    "default-src 'none'; frame-ancestors 'none'; connect-src 'self'; img-src data: https://fastapi.tiangolo.com; "
    "script-src 'unsafe-inline' https://cdn.jsdelivr.net; worker-src blob:; "
    "style-src 'unsafe-inline' https://cdn.jsdelivr.net https://fonts.googleapis.com; font-src https://fonts.gstatic.com"
)
SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": _NOTHING,
}


def _raw(policy: str) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in (SECURITY | {"content-security-policy": policy}).items()]


ANSWER, _PAGE = _raw(_NOTHING), _raw(_PAGES)


class SecurityHeaders:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _PAGE if scope.get("path") in ("/docs", "/redoc") else ANSWER

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await self._app(scope, receive, secured)
