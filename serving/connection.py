"""A TCP connection -> requests whose heads arrive in time and are not too large; uvicorn itself would wait for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024  # bytes; proxies in front allow less


class Connection(HttpToolsProtocol):
    """uvicorn's connection; ``patience`` is the time in seconds for a request's head to arrive."""

    def __init__(self, *args: Any, patience: float, **named: Any) -> None:
        super().__init__(*args, **named)
        self._patience = patience
        self._waiting: asyncio.TimerHandle | None = None
        self._received = 0  # bytes since the head began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_head()

    def data_received(self, data: bytes) -> None:
        if self._waiting is None and (self.cycle is None or self.cycle.response_complete):
            self._begin_head()
        self._received += len(data)
        super().data_received(data)
        if self._waiting and self._received > LARGEST_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def _begin_head(self) -> None:
        self._received = 0
        self._waiting = self.loop.call_later(self._patience, self._refuse, b"408 Request Timeout")

    def _end_head(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def _refuse(self, status: bytes) -> None:
        self._end_head()
        if not self.transport.is_closing():
            if self._received:  # who never said anything is told nothing
                self.transport.write(b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
            self.transport.close()
