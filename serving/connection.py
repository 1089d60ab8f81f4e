"""A TCP connection -> requests that arrive in time, with heads of a bounded size; uvicorn itself would wait for ever.

One timer per connection: it does not move with every request, but looks, when it fires, what it has to wait for. Timers
that are set and taken back with every request cost it as much as its route (docs/decisions.md).
"""

import asyncio
import logging
import math
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.errors import error_response
from serving.headers import ANSWER

LARGEST_HEAD = 64 * 1024  # bytes; proxies in front allow less
log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """uvicorn's connection; ``patience`` is the time in seconds for a whole request to arrive."""

    def __init__(self, *args: Any, patience: float, **named: Any) -> None:
        super().__init__(*args, **named)
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None
        self._late_at: float | None = None  # for what is waited for: a request that has begun or, if idle, the next
        self._idle = False
        self._in_head = False
        self._received = 0  # bytes since the request began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()
        self._look()

    def data_received(self, data: bytes) -> None:
        if self._idle or (self._late_at is None and (self.cycle is None or self.cycle.response_complete)):
            self._begin()
        self._received += len(data)
        super().data_received(data)
        if self._in_head and self._received > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is larger than {LARGEST_HEAD} bytes")

    def on_message_begin(self) -> None:
        if self._late_at is None:  # its first byte came together with the last one of the request before it
            self._begin()
            self._received = 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end()
        super().on_message_complete()
        if self.cycle.response_complete:  # it was refused before it had arrived
            self._rest()

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1  # as uvicorn, but for its timer of connections that are kept alive
        self.flow.resume_reading()
        if self._late_at is None:
            self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._in_head, self._received = True, 0
        self._late_at, self._idle = self.loop.time() + self._patience, False

    def _rest(self) -> None:
        self._late_at, self._idle = self.loop.time() + self.timeout_keep_alive, True

    def _end(self) -> None:
        self._in_head, self._late_at = False, None

    def _look(self) -> None:
        """Give up what is late; look again when it, or what begins meanwhile, can be."""
        left = math.inf if self._late_at is None else self._late_at - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(min(left, self._patience, self.timeout_keep_alive), self._look)
        elif self._idle:
            self.timeout_keep_alive_handler()
        else:
            late = f"the request did not arrive within {self._patience:g} s: send less at once"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, late)

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer and close; who never said anything, has an answer already or waits for another one is told nothing."""
        to_answer = bool(self._received) and self._is_next()
        self._end()
        if self.transport.is_closing():
            return
        if to_answer:
            self._answer(status, message)
        self.transport.close()

    def _is_next(self) -> bool:
        """Whether what is written now answers the request that does not arrive."""
        if self._in_head:  # the cycle is the one before
            return self.cycle is None or self.cycle.response_complete
        return not self.pipeline and not self.cycle.response_complete

    def _answer(self, status: HTTPStatus, message: str) -> None:
        request_id, code = uuid4().hex, status.name.lower()
        response = error_response(request_id, status, code, message)
        lines = [b"%s: %s" % pair for pair in (*response.raw_headers, *ANSWER, (b"connection", b"close"))]
        head = b"\r\n".join([b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), *lines])
        self.transport.write(head + b"\r\n\r\n" + response.body)
        log.info("%d request=%s error=%s", status, request_id, code)
