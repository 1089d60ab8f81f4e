"""FastAPI without the layers around every request that nothing here uses: its telemetry, its limits, its exit stacks.

We count requests ourselves (observation.py), bound their bodies (body.py) and have no dependencies to close
(plain_route.py). Half of what a request spends between the connection and its route is spent in these layers.
"""

from typing import Any

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp


class LeanApp(FastAPI):
    """What Starlette would build: our middlewares between the handlers of expected and of unexpected errors."""

    def build_middleware_stack(self) -> ASGIApp:
        handlers: dict[Any, Any] = dict(self.exception_handlers)
        unexpected = handlers.pop(Exception, None)
        stack: ASGIApp = ExceptionMiddleware(self.router, handlers=handlers)
        for cls, args, named in reversed(self.user_middleware):
            stack = cls(stack, *args, **named)
        return ServerErrorMiddleware(stack, handler=unexpected)
