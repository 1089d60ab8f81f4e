"""One call of the API: what is sent, and how its answer reads. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx
import msgspec

from serving.client.errors import Broken, Refused, Unavailable
from serving.client.retries import AGAIN, Outcome, asked_for

Answer = TypeVar("Answer")
NOTHING_ACCEPTED = "nothing_accepted"  # an error that is a receipt as well


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A request; ``read`` makes the answer of the body."""

    method: str
    path: str
    read: Callable[[bytes], Answer]
    body: Any = None  # JSON
    params: Mapping[str, str] = field(default_factory=dict)

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request as this HTTP client sends it."""
        content = None if self.body is None else msgspec.json.encode(self.body)
        headers = {"content-type": "application/json"} if content else {}
        return http.build_request(self.method, self.path, content=content, headers=headers, params=self.params)


class _Error(msgspec.Struct, frozen=True):
    code: str = "unknown"
    message: str = ""
    field: str | None = None


class _Failure(msgspec.Struct, frozen=True):
    error: _Error = _Error()


def answer(call: Call[Answer], outcome: Outcome) -> Answer:
    """What came of a call. Raises Refused, Unavailable, Broken, and what its ``read`` raises."""
    asked = f"{call.method} {call.path}"
    if isinstance(outcome, httpx.TransportError):
        raise Unavailable(f"{asked}: no answer: {outcome or type(outcome).__name__}") from outcome
    error = _Error() if outcome.is_success else _error(outcome)
    if outcome.is_success or error.code == NOTHING_ACCEPTED:
        return _read(call, outcome.content, asked)
    if outcome.status_code in AGAIN:
        message = f"{asked}: {error.message} ({outcome.status_code} {error.code})"
        raise Unavailable(message, outcome.status_code, asked_for(outcome))
    if outcome.is_client_error:
        raise Refused(outcome.status_code, error.code, f"{asked}: {error.message}", error.field)
    raise Broken(f"{asked}: {error.message} ({outcome.status_code} {error.code})")


def _read(call: Call[Answer], body: bytes, asked: str) -> Answer:
    try:
        return call.read(body)
    except msgspec.DecodeError as error:
        raise Broken(f"{asked}: the answer cannot be read: {error}") from error


def _error(response: httpx.Response) -> _Error:
    try:
        return msgspec.json.decode(response.content, type=_Failure).error
    except msgspec.DecodeError:  # a proxy's page
        return _Error(message=response.text[:200])
