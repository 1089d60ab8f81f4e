"""request -> its key -> is it good for this route, and not too often? -> the route; what admins do is put on record.

A few microseconds of arithmetic: nothing here reads a database but the record.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import Protocol

from fastapi import Request, Response

from feature_repo.pseudonym import pseudonym
from serving.errors import ANSWERS, AuditUnavailable, Forbidden, ServingError, TooManyRequests, Unauthorized
from serving.keys.key import Key, Scope
from serving.keys.keyring import Keyring
from serving.keys.rate import take
from serving.keys.tables import Action
from serving.readiness import Check

Endpoint = Callable[[Request], Awaitable[Response]]
Headers = Iterable[tuple[bytes, bytes]]
BURST = 1.0  # seconds of a key's rate that may come at once
NOBODY = "keys are off"
LONGEST = 256  # letters of an id in the record: no id is longer
log = logging.getLogger(__name__)


class Trail(Protocol):
    """Where actions of admins are kept."""

    async def record(self, action: Action) -> None:
        """Keep it. Raises AuditUnavailable."""


class Gate:
    """Who may pass; ``keyring`` None lets everybody, ``salt`` names users in the record."""

    def __init__(self, keyring: Keyring | None, trail: Trail, per_second: float, salt: str | None = None) -> None:
        self.keyring, self.trail, self.salt = keyring, trail, salt
        self._per_second = per_second
        self._full_at: dict[str, float] = {}  # by key id: keys are few, and made by admins

    @property
    def checks(self) -> dict[str, Check]:
        """What readiness asks of it."""
        return {"keys": self.keyring.problem} if self.keyring else {}

    def key_of(self, headers: Headers) -> Key | None:
        """The key that came with a request, None where keys are off. Raises Unauthorized, KeysUnavailable."""
        return self.keyring.find(_text(headers)) if self.keyring else None

    def admit(self, key: Key, needed: Scope) -> None:
        """Let one request of a key pass. Raises Forbidden, TooManyRequests."""
        if not key.allows(needed):
            has = ", ".join(sorted(key.scopes)) or "nothing"
            raise Forbidden(f"this API key is good for {has}; this route needs {needed}")
        rate = key.per_second or self._per_second
        known = self._full_at.get(key.key_id, 0.0)
        self._full_at[key.key_id], wait = take(known, time.monotonic(), rate, max(1.0, rate * BURST))
        if wait:
            raise TooManyRequests(f"this API key may ask {rate:g} times a second", wait)

    def allows(self, headers: Headers, needed: Scope) -> bool:
        """Whether a request with these headers is good for ``needed``, and not too often."""
        try:
            if key := self.key_of(headers):
                self.admit(key, needed)
        except ServingError:
            return False
        return True

    async def recorded(self, key: Key | None, request: Request, endpoint: Endpoint) -> Response:
        """What ``endpoint`` answers, put on record before and after: an action that cannot be recorded is not done."""
        who = f"{key.key_id} {key.name}" if key else NOBODY
        asked = (who, f"{request.method} {request.scope['route'].path}", self._subject(request))
        await self.trail.record(_action(asked, "asked"))
        outcome = "failed"
        try:
            response = await endpoint(request)
            outcome = str(response.status_code)
            return response
        except ServingError as error:
            outcome = ANSWERS[type(error)][1]
            raise
        finally:
            await self._close(_action(asked, outcome))

    async def _close(self, action: Action) -> None:
        try:
            await self.trail.record(action)
        except AuditUnavailable:  # it is done, and that it was asked for is on record: the answer stands
            log.error("the outcome of an action of an admin is in this line alone: %s", action)

    def _subject(self, request: Request) -> str:
        name, value = next(iter(request.path_params.items()), ("", ""))
        if name == "user_id":
            return pseudonym(value, self.salt or "")
        return str(value)[:LONGEST].replace("\0", "\\0")  # which PostgreSQL cannot keep


def guarded(endpoint: Endpoint, needed: Scope) -> Endpoint:
    """The endpoint behind the gate in ``request.state.gate``."""

    @wraps(endpoint)
    async def checked(request: Request) -> Response:
        gate: Gate = request.state.gate
        key = gate.key_of(request.scope["headers"])
        if key:
            request.state.key_id = key.key_id  # for the log line, whatever comes of it
            gate.admit(key, needed)
        if needed is Scope.ADMIN:
            return await gate.recorded(key, request, endpoint)
        return await endpoint(request)

    return checked


def _text(headers: Headers) -> str:
    """The key's text: `Authorization: Bearer <key>`, or `X-API-Key: <key>`. Raises Unauthorized."""
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
        if name == b"x-api-key":
            return value.decode("latin-1")
    raise Unauthorized("this route needs an API key: send `Authorization: Bearer <key>`")


def _action(asked: tuple[str, str, str], outcome: str) -> Action:
    return Action(time.time_ns() // 1_000_000, *asked, outcome)
