"""The API: routes, one table of errors, neighbours opened and closed around them."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Response
from starlette.middleware.cors import CORSMiddleware

from serving import openapi, parameters
from serving.adapters import gorse_routes, metarank_routes
from serving.batch_route import recommend_batch
from serving.errors import EXCEPTION_HANDLERS
from serving.event_routes import take_interactions, take_items, take_users
from serving.forget_routes import delete_item, delete_user, tell_receipt
from serving.headers import SecurityHeaders
from serving.health_routes import live, metrics, ready
from serving.keys.described import secured, with_schemes
from serving.keys.gate import Gate, guarded
from serving.keys.scopes import needed
from serving.lean_app import LeanApp
from serving.merge_route import merge_session
from serving.metrics import Metrics
from serving.neighbours import Neighbours
from serving.observation import Observation
from serving.plain_route import PlainRoute
from serving.rank_route import rank_items
from serving.recommend_route import recommend_items
from serving.search_route import search_items
from serving.settings import ServingSettings
from serving.shedding import Shedding
from serving.similar_route import similar_items
from serving.user_route import tell_user

ROUTES: tuple[tuple[str, str, Callable[..., Any], dict[str, Any]], ...] = (
    ("POST", "/v1/rank", rank_items, openapi.RANK),  # first: the router tries them in this order
    ("POST", "/v1/recommend", recommend_items, openapi.RECOMMEND),
    ("POST", "/v1/similar", similar_items, openapi.SIMILAR),
    ("GET", "/v1/similar", similar_items, openapi.SIMILAR_BY_URL),
    ("POST", "/v1/search", search_items, openapi.SEARCH),
    ("POST", "/v1/batch", recommend_batch, openapi.BATCH),
    ("POST", "/v1/events", take_interactions, openapi.EVENTS),
    ("POST", "/v1/items", take_items, openapi.ITEMS),
    ("POST", "/v1/users", take_users, openapi.USERS),
    ("POST", "/v1/users/{user_id}/merge", merge_session, openapi.MERGE),
    ("DELETE", "/v1/items/{item_id}", delete_item, openapi.DELETE_ITEM),
    ("GET", "/v1/users/{user_id}", tell_user, openapi.TELL_USER),
    ("DELETE", "/v1/users/{user_id}", delete_user, openapi.DELETE_USER),
    ("GET", "/v1/receipts/{receipt_id}", tell_receipt, openapi.TELL_RECEIPT),
    ("GET", "/health/live", live, openapi.LIVE),
    ("GET", "/health/ready", ready, openapi.READY),
    ("GET", "/metrics", metrics, openapi.METRICS),
    *metarank_routes.ROUTES,
    *gorse_routes.ROUTES,
)
Open = Callable[[], AbstractAsyncContextManager[Neighbours]]
OpenGate = Callable[[], AbstractAsyncContextManager[Gate]]


def create_app(settings: ServingSettings, neighbours: Open, gate: OpenGate | None = None) -> FastAPI:
    """The API; ``neighbours`` opens what the routes call when the app starts, and closes it when it stops.

    ``gate`` likewise opens who may ask what; without one everybody may, and nothing is put on record.
    """
    counted = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            opened = await stack.enter_async_context(neighbours())
            state: dict[str, Any] = {"settings": settings, "metrics": counted}
            if gate:
                state["gate"] = keeper = await stack.enter_async_context(gate())
                opened = replace(opened, checks=opened.checks | keeper.checks)
            _describe(counted, opened)
            yield {"neighbours": opened, **state}

    app = LeanApp(
        title="freshrank",
        description="Rankings that already know the last click. Errors have one shape: "
        '`{"error": {"code", "message", "field"?}, "request_id"}`.',
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # we count ourselves: metrics.py
    )
    app.add_middleware(Shedding, most=settings.max_under_way, shed=counted.shed)
    app.add_middleware(Observation, metrics=counted, masked=settings.user_salt is not None)
    app.add_middleware(SecurityHeaders)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, **_CORS)
    _add_routes(app, gate is not None)
    return app


_CORS: dict[str, Any] = {
    "allow_methods": ("GET", "POST", "PUT", "DELETE"),
    "allow_headers": ("authorization", "content-type", "x-api-key"),
    "expose_headers": ("retry-after",),
}


def _add_routes(app: FastAPI, gated: bool) -> None:
    documentation = list(app.router.routes)
    app.router.routes.clear()
    app.router.route_class = PlainRoute
    for method, path, endpoint, described in ROUTES:
        summary = (endpoint.__doc__ or "").rstrip(".")
        scope = needed(method, path)
        if path.startswith("/v1/"):  # callers of the adapters' routes say what others understand
            endpoint = parameters.described(endpoint, described)
        if scope:
            endpoint = guarded(endpoint, scope) if gated else endpoint
            described = secured(described, scope)
        texts: dict[str, Any] = {"summary": summary, "description": " ", "openapi_extra": described}
        app.add_api_route(path, endpoint, methods=[method], response_class=Response, **texts)
    app.router.routes.extend(documentation)
    describe = app.openapi
    app.openapi = lambda: with_schemes(describe())  # type: ignore[method-assign]


def _describe(metrics: Metrics, neighbours: Neighbours) -> None:
    catalogue = neighbours.catalogue
    text = "Rankings for the topic `rankings`: logged, or dropped because the queue was full or the broker took none"
    metrics.counter("logged_rankings", text, neighbours.rankings.counts)
    text = (
        "Queries of rankings, by how their vectors were come by: kept, encoded, or failed, where the query had no say"
    )
    metrics.counter("queries", text, neighbours.queries.counts)
    text = "Pages for the stages that look at what was served: kept, or lost because the online store took none"
    metrics.counter("served_pages", text, neighbours.served.counts)
    metrics.gauge("left_alone", "Neighbours that are left alone for failing", neighbours.guards.left_alone)
    metrics.gauge("items", "Items in the item table", lambda: len(catalogue.table))
    text = "Items in the approximate index; 0 where their vectors are searched exactly"
    metrics.gauge("items_in_graph", text, lambda: neighbours.retrieval.nearest.in_graph)
    metrics.gauge("items_wanted", "Items that wait to be loaded", lambda: len(catalogue.wanted))
    metrics.gauge(
        "items_unencoded",
        "Items that wait for a vector, or for one of their new text",
        lambda: len(catalogue.vectors.waiting),
    )
    catalogue.vectors.rankable = metrics.item_rankable.observe
    metrics.gauge(
        "item_change_age_seconds",
        "Time since the item table last changed; -1 before the first change",
        lambda: time.time() - catalogue.changed_at if catalogue.changed_at else -1.0,
    )
