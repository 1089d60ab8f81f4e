"""The API: routes, one table of errors, neighbours opened and closed around them."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from serving import event_routes, health_routes, rank_route
from serving.errors import EXCEPTION_HANDLERS
from serving.metrics import Metrics
from serving.neighbours import Neighbours
from serving.observation import Observation
from serving.settings import ServingSettings

Open = Callable[[], AbstractAsyncContextManager[Neighbours]]


def create_app(settings: ServingSettings, neighbours: Open) -> FastAPI:
    """The API; ``neighbours`` opens what the routes call when the app starts, and closes it when it stops."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with neighbours() as opened:
            _describe(metrics, opened)
            yield {"neighbours": opened, "settings": settings, "metrics": metrics}

    app = FastAPI(
        title="freshrank",
        description="Rankings that already know the last click. Errors have one shape: "
        '`{"error": {"code", "message", "field"?}}`.',
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.add_middleware(Observation, metrics=metrics)
    for routes in (rank_route, event_routes, health_routes):
        app.include_router(routes.router)
    return app


def _describe(metrics: Metrics, neighbours: Neighbours) -> None:
    catalogue = neighbours.catalogue
    metrics.gauge("items", "Items in the item table", lambda: len(catalogue.table))
    metrics.gauge("items_wanted", "Items that wait to be loaded", lambda: len(catalogue.wanted))
    metrics.gauge(
        "item_change_age_seconds",
        "Time since the item table last changed; -1 before the first change",
        lambda: time.time() - catalogue.changed_at if catalogue.changed_at else -1.0,
    )
