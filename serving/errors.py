"""What a caller can be told went wrong, and its HTTP answer.

ServingError
├── InvalidRequest          422  the body is not what the route takes
├── TooLarge                413  the body or the number of items or events is over the limit
├── NothingAccepted         422  every event of the request was rejected
└── Unavailable             503  a neighbour is away; try again
    ├── NoModel                  no bundle is promoted, or Triton does not have it
    ├── TritonUnavailable
    ├── OnlineStoreUnavailable
    └── BrokerUnavailable

Every answer has the shape ``{"error": {"code", "message", "field"?}}``.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

RETRY_AFTER = {"retry-after": "1"}  # seconds; neighbours that restart are back within a few
log = logging.getLogger(__name__)


class ServingError(Exception):
    """An error with a message for the caller; ``field`` names the part of the request it is about."""

    def __init__(self, message: str, field: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.field = field
        self.details = details


class InvalidRequest(ServingError):
    """The body is not what the route takes."""


class TooLarge(ServingError):
    """The request is over a limit."""


class NothingAccepted(ServingError):
    """Every event of the request was rejected."""


class Unavailable(ServingError):
    """A neighbour is away."""


class NoModel(Unavailable):
    """There is no model to rank with."""


class TritonUnavailable(Unavailable):
    """Triton does not answer."""


class OnlineStoreUnavailable(Unavailable):
    """The online store does not answer."""


class BrokerUnavailable(Unavailable):
    """The broker does not acknowledge."""


ANSWERS: dict[type[ServingError], tuple[int, str]] = {
    InvalidRequest: (422, "invalid_request"),
    TooLarge: (413, "too_large"),
    NothingAccepted: (422, "nothing_accepted"),
    NoModel: (503, "no_model"),
    TritonUnavailable: (503, "triton_unavailable"),
    OnlineStoreUnavailable: (503, "online_store_unavailable"),
    BrokerUnavailable: (503, "broker_unavailable"),
}


def error_response(status: int, code: str, message: str, field: str | None = None, **details: Any) -> Response:
    """The one shape of every error."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    headers = RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Response(msgspec.json.encode({"error": error, **details}), status, headers, "application/json")


async def _serving_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    status, code = ANSWERS[type(error)]
    return error_response(status, code, str(error), error.field, **error.details)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    response = error_response(status, status.name.lower(), f"{request.method} {request.url.path}: {error.detail}")
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(500, "internal_error", "the server failed to answer; its log has the reason")


EXCEPTION_HANDLERS: dict[Any, Callable[[Request, Exception], Any]] = {
    ServingError: _serving_error,
    HTTPException: _http_error,
    Exception: _unexpected,
}
