"""A TCP connection -> requests that arrive in time, with heads of a bounded size; uvicorn itself would wait for ever.

One timer per request, from its first byte to its last: a ranking pays a microsecond for it.
"""

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024  # bytes; proxies in front allow less


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
            self._refuse(b"431 Request Header Fields Too Large", f"the head is larger than {LARGEST_HEAD} bytes")

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
        self._timer = self.loop.call_later(self._patience, self._refuse, b"408 Request Timeout", late)

    def _end(self) -> None:
        self._in_head = False
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: bytes, message: str) -> None:
        """Answer and close; who never said anything, or has an answer already, is told nothing."""
        answered = not self._in_head and self.cycle.response_complete
        self._end()
        if self.transport.is_closing():
            return
        if self._received and not answered:
            code = "_".join(status.decode().lower().split()[1:])
            body = msgspec.json.encode({"error": {"code": code, "message": message}})
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d" % len(body)
            self.transport.write(b"HTTP/1.1 %s\r\n%s\r\n\r\n%s" % (status, head, body))
        self.transport.close()
