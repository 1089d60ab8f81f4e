"""What a caller can be told went wrong, and its HTTP answer.

ServingError
├── InvalidRequest          422  the body is not what the route takes
├── TooLarge                413  the body or the number of items or events is over the limit
├── NothingAccepted         422  every event of the request was rejected
├── Unauthorized            401  no API key, or none that is in force
├── Forbidden               403  the API key is not good for this route
├── NotKnown                404  what the path names is not there
├── TooManyRequests         429  the API key asks more often than it may
└── Unavailable             503  a neighbour is away; try again
    ├── NoModel                  no bundle is promoted, or Triton does not have it
    ├── TritonUnavailable
    ├── OnlineStoreUnavailable
    ├── BrokerUnavailable
    ├── KeysUnavailable          the API keys were never read
    ├── AuditUnavailable         an action of an admin cannot be recorded
    └── ReceiptsUnavailable      a deletion cannot be written down

Every answer has the shape ``{"error": {"code", "message", "field"?}, "request_id"}``; the log line has the id too.
"""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from math import ceil
from typing import Any
from uuid import uuid4

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

RETRY_AFTER = {"retry-after": "1"}  # seconds; neighbours that restart are back within a few
log = logging.getLogger(__name__)


class ServingError(Exception):
    """An error with a message for the caller; ``field`` names the part of the request it is about."""

    headers: Mapping[str, str] = {}

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


class Unauthorized(ServingError):
    """There is no API key, or none that is in force."""

    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}


class Forbidden(ServingError):
    """The API key is not good for this route."""


class NotKnown(ServingError):
    """What the path names is not there."""


class TooManyRequests(ServingError):
    """The API key asks more often than it may; ``wait`` is the time in seconds until it may again."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.headers = {"retry-after": str(ceil(wait))}


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


class KeysUnavailable(Unavailable):
    """The API keys were never read."""


class AuditUnavailable(Unavailable):
    """An action of an admin cannot be recorded."""


class ReceiptsUnavailable(Unavailable):
    """A deletion cannot be written down."""


ANSWERS: dict[type[ServingError], tuple[int, str]] = {
    InvalidRequest: (422, "invalid_request"),
    TooLarge: (413, "too_large"),
    NothingAccepted: (422, "nothing_accepted"),
    Unauthorized: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    NotKnown: (404, "not_known"),
    TooManyRequests: (429, "too_many_requests"),
    NoModel: (503, "no_model"),
    TritonUnavailable: (503, "triton_unavailable"),
    OnlineStoreUnavailable: (503, "online_store_unavailable"),
    BrokerUnavailable: (503, "broker_unavailable"),
    KeysUnavailable: (503, "keys_unavailable"),
    AuditUnavailable: (503, "audit_unavailable"),
    ReceiptsUnavailable: (503, "receipts_unavailable"),
}


def error_response(
    request_id: str, status: int, code: str, message: str, field: str | None = None, **details: Any
) -> Response:
    """The one shape of every error."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    body = {"error": error, **details, "request_id": request_id}
    headers = RETRY_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def refuse(request: Request, status: int, code: str, message: str, field: str | None = None, **more: Any) -> Response:
    """An error, under an id that the log line has as well."""
    request_id = uuid4().hex
    request.state.line = f" request={request_id} error={code}"
    return error_response(request_id, status, code, message, field, **more)


async def _serving_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    status, code = ANSWERS[type(error)]
    response = refuse(request, status, code, str(error), error.field, **error.details)
    response.headers.update(error.headers)
    return response


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    message = f"{request.method} {request.url.path}: {error.detail}"
    response = refuse(request, status, status.name.lower(), message)
    response.headers.update(error.headers or {})
    return response


async def _left(request: Request, error: Exception) -> Response:
    return refuse(request, 400, "incomplete_body", "the connection ended before the whole body had arrived")


async def _unexpected(request: Request, error: Exception) -> Response:
    route = getattr(request.scope.get("route"), "path", "")  # not the path, which may name a user
    log.error("%s %s failed", request.method, route, exc_info=error)
    return refuse(request, 500, "internal_error", "the server failed to answer; its log has the reason")


EXCEPTION_HANDLERS: dict[Any, Callable[[Request, Exception], Any]] = {
    ServingError: _serving_error,
    HTTPException: _http_error,
    ClientDisconnect: _left,
    Exception: _unexpected,
}
