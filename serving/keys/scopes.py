"""Which scope a route needs. A route that is not named here needs ``admin``, and a test asks for its name."""

from collections.abc import Mapping

from serving.keys.key import Scope

OPEN = None  # no key is asked for
_ROUTES: Mapping[Scope | None, tuple[str, ...]] = {
    OPEN: ("GET /health/live", "GET /health/ready"),
    Scope.READ_METRICS: ("GET /metrics",),
    Scope.READ_RANKINGS: (
        "POST /v1/rank",
        "POST /v1/recommend",
        "GET /v1/similar",
        "POST /v1/similar",
        "POST /v1/search",
        "POST /v1/batch",
    ),
    Scope.WRITE_EVENTS: (
        "POST /v1/events",
        "POST /v1/items",
        "POST /v1/users",
        "POST /v1/users/{user_id}/merge",
        "POST /feedback",
        "POST /api/feedback",
        "PUT /api/feedback",
        "POST /api/items",
        "POST /api/item",
        "POST /api/users",
        "POST /api/user",
    ),
    Scope.ADMIN: (  # each of them is put on record
        "GET /v1/users/{user_id}",
        "DELETE /v1/items/{item_id}",
        "DELETE /v1/users/{user_id}",
        "GET /v1/receipts/{receipt_id}",
        "DELETE /api/item/{item_id}",
        "DELETE /api/user/{user_id}",
    ),
}
SCOPES: Mapping[str, Scope | None] = {route: scope for scope, routes in _ROUTES.items() for route in routes}


def needed(method: str, path: str) -> Scope | None:
    """The scope that ``method path`` needs, the path as it is in the table of routes."""
    return SCOPES.get(f"{method} {path}", Scope.ADMIN)
