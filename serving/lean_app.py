"""FastAPI without the layers around every request that nothing here uses: its telemetry, its limits, its exit stacks.

We count requests ourselves (observation.py), bound their bodies (body.py) and have no dependencies to close
(plain_route.py). Half of what a request spends between the connection and its route is spent in these layers, and a
part of the rest in trying routes.
"""

from typing import Any

from fastapi import FastAPI, Request
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.plain_route import PlainRoute

Handlers = dict[Any, Any]  # by kind of exception, as Starlette has them


class Direct:
    """The router, but that paths without parameters are looked up and not tried one after the other.

    Their endpoints have given their whole answer when they return it, so what they raise is answered here; the errors
    of all others are Starlette's to watch over.
    """

    def __init__(self, router: Router, handlers: Handlers) -> None:
        routes = [each for each in router.routes if isinstance(each, PlainRoute) and not each.param_convertors]
        self._routes = {(method, route.path): route for route in reversed(routes) for method in route.methods or ()}
        self._handlers = handlers
        expected = {kind: handler for kind, handler in handlers.items() if kind is not Exception}
        watched = ExceptionMiddleware(router, handlers=expected)
        self._others = ServerErrorMiddleware(watched, handler=handlers.get(Exception))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self._others(scope, receive, send)
            return
        scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, {}
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except Exception as error:
            handler = next((self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers), None)
            if handler is None:
                raise
            response = await handler(request, error)
        await response(scope, receive, send)


class LeanApp(FastAPI):
    """Our middlewares around routes whose errors are answered within them, so that every answer passes the same way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.middleware_stack is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        stack: ASGIApp = Direct(self.router, dict(self.exception_handlers))
        for cls, args, named in reversed(self.user_middleware):
            stack = cls(stack, *args, **named)
        return stack
