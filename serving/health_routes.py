"""GET /health/live, /health/ready and /metrics: what machines ask."""

from typing import Any

import msgspec
from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.errors import error_response
from serving.readiness import unready


async def live(request: Request) -> Response:
    """The process answers."""
    return Response(msgspec.json.encode({"live": True}), media_type="application/json")


async def ready(request: Request) -> Response:
    """Every neighbour answers; 503 names those that do not. Items that wait for their vectors are no reason to."""
    catalogue = request.state.neighbours.catalogue
    items: dict[str, Any] = {"items": len(catalogue.table), "items_unencoded": len(catalogue.vectors.waiting)}
    problems = await unready(request.state.neighbours.checks)
    if problems:
        names = ", ".join(problems)
        return error_response(503, "not_ready", f"not ready: {names}", ready=False, not_ready=problems, **items)
    return Response(msgspec.json.encode({"ready": True, **items}), media_type="application/json")


async def metrics(request: Request) -> Response:
    """Counts and timings in Prometheus' text format."""
    return Response(request.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
