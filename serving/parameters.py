"""The query of a URL -> refused where the route's description has no such parameter: misspellings are told."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from fastapi import Request, Response

from serving.errors import InvalidRequest

Endpoint = Callable[[Request], Awaitable[Response]]


def described(endpoint: Endpoint, description: Mapping[str, Any]) -> Endpoint:
    """The endpoint, which takes only the query parameters of its OpenAPI description."""
    names = [each["name"] for each in description.get("parameters", ()) if each["in"] == "query"]
    takes = f"this route takes {', '.join(names)}" if names else "this route takes none"

    @wraps(endpoint)
    async def checked(request: Request) -> Response:
        if request.scope["query_string"]:  # nearly never; reading a query costs as much as a stage
            unknown = next((name for name in request.query_params if name not in names), None)
            if unknown is not None:
                raise InvalidRequest(f"the URL has an unknown parameter `{unknown}`: {takes}", unknown)
        return await endpoint(request)

    return checked
