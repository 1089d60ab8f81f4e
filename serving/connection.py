"""A TCP connection -> requests that arrive in time, with heads of a bounded size; uvicorn itself would wait for ever.

One timer per request, from its first byte to its last: a ranking pays a microsecond for it.
"""

import asyncio
import logging
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
        self._in_head = False
        self._received = 0  # bytes since the request began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._begin()
        self._received += len(data)
        super().data_received(data)
        if self._in_head and self._received > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is larger than {LARGEST_HEAD} bytes")

    def on_message_begin(self) -> None:
        if self._timer is None:  # its first byte came together with the last one of the request before it
            self._begin()
            self._received = 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._in_head, self._received = True, 0
        late = f"the request did not arrive within {self._patience:g} s: send less at once"
        self._timer = self.loop.call_later(self._patience, self._refuse, HTTPStatus.REQUEST_TIMEOUT, late)

    def _end(self) -> None:
        self._in_head = False
        if self._timer:
            self._timer.cancel()
            self._timer = None

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
