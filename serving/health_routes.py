"""GET /health/live, /health/ready and /metrics: what machines ask."""

from typing import Any

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.as_json import as_json
from serving.errors import refuse
from serving.keys.key import Scope
from serving.readiness import unready

HIDDEN = "an API key with the scope read-metrics is told why"


async def live(request: Request) -> Response:
    """The process answers."""
    return as_json({"live": True})


async def ready(request: Request) -> Response:
    """Every neighbour answers; 503 names those that do not, and why to who may read metrics.

    Items that wait for their vectors are no reason to.
    """
    catalogue = request.state.neighbours.catalogue
    items: dict[str, Any] = {"items": len(catalogue.table), "items_unencoded": len(catalogue.vectors.waiting)}
    problems = await unready(request.state.neighbours.checks)
    if problems:
        names = ", ".join(problems)
        told = problems if _may_know(request) else dict.fromkeys(problems, HIDDEN)
        return refuse(request, 503, "not_ready", f"not ready: {names}", ready=False, not_ready=told, **items)
    return as_json({"ready": True, **items})


def _may_know(request: Request) -> bool:
    gate = getattr(request.state, "gate", None)
    return gate is None or gate.allows(request.scope["headers"], Scope.READ_METRICS)


async def metrics(request: Request) -> Response:
    """Counts and timings in Prometheus' text format."""
    return Response(request.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
