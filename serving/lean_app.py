"""FastAPI without the layers around every request that nothing here uses: its telemetry, its limits, its exit stacks.

We count requests ourselves (observation.py), bound their bodies (body.py) and have no dependencies to close
(plain_route.py). Half of what a request spends between the connection and its route is spent in these layers, and a
part of the rest in trying routes.
"""

from typing import Any

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.plain_route import PlainRoute


class Direct:
    """The router, but that paths without parameters are looked up and not tried one after the other."""

    def __init__(self, router: Router) -> None:
        self._router = router
        routes = [each for each in router.routes if isinstance(each, PlainRoute) and not each.param_convertors]
        self._routes = {(method, route.path): route for route in reversed(routes) for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self._router(scope, receive, send)
            return
        scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, {}
        await route.handle(scope, receive, send)


class LeanApp(FastAPI):
    """What Starlette would build: our middlewares between the handlers of expected and of unexpected errors."""

    def build_middleware_stack(self) -> ASGIApp:
        handlers: dict[Any, Any] = dict(self.exception_handlers)
        unexpected = handlers.pop(Exception, None)
        stack: ASGIApp = ExceptionMiddleware(Direct(self.router), handlers=handlers)
        for cls, args, named in reversed(self.user_middleware):
            stack = cls(stack, *args, **named)
        return ServerErrorMiddleware(stack, handler=unexpected)
