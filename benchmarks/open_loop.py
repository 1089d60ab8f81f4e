"""Requests at a fixed arrival rate, whether or not the answers before have come, and what became of each.

A latency counts from the moment a request was due: a server that stops for a second is charged for all requests of that
second (no coordinated omission: Tene, How NOT to Measure Latency, 2013).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from benchmarks.http_client import message

Address = tuple[str, int]
LOST = 0  # the status of a request whose connection broke


class Outcome(NamedTuple):
    """What became of one request; ``at`` and ``seconds`` count from when it was due."""

    at: float  # seconds after the first
    seconds: float
    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = b""
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. Raises ConnectionError."""
        if not self._transport or not self.is_open:
            raise ConnectionError("the server closed the connection")
        self._received, self._answer = b"", asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no instances of it

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and self._answer and len(body) >= _length(head):
            self._answer.set_result((int(head[9:12]), body))
            self._answer = None

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer:
            self._answer.set_exception(error or ConnectionError("the server closed the connection"))
            self._answer = None


def _length(head: bytes) -> int:
    return next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))


class Pool:
    """Connections to servers, in turn; as many as are needed at once."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses
        self._free: dict[Address, list[Connection]] = {address: [] for address in addresses}

    async def post(self, number: int, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body; LOST and the reason where the connection broke."""
        host, port = address = self._addresses[number % len(self._addresses)]
        try:
            connection = self._take(address) or await _connected(host, port)
            answer = await connection.ask(message(b"POST", path, host, port, body))
        except OSError as error:
            return LOST, str(error).encode()
        self._free[address].append(connection)
        return answer

    def _take(self, address: Address) -> Connection | None:
        """A connection that is free; the server closes those that were for a while."""
        while self._free[address]:
            if (connection := self._free[address].pop()).is_open:
                return connection
        return None

    def close(self) -> None:
        for connection in (each for free in self._free.values() for each in free):
            connection.close()


async def _connected(host: str, port: int) -> Connection:
    return (await asyncio.get_running_loop().create_connection(Connection, host, port))[1]


async def load(
    addresses: Sequence[Address], path: str, body: Callable[[int], bytes], rate: float, seconds: float
) -> list[Outcome]:
    """So many requests a second for so long, in order of their being due; ``body`` makes each from its number.

    A thread of its own says when each is due, and ``perf_counter`` how long it took: timers and clocks of event loops
    are whole milliseconds.
    """
    loop, pool, count = asyncio.get_running_loop(), Pool(addresses), int(rate * seconds)
    under_way: list[asyncio.Task[Outcome]] = []
    began = time.perf_counter()

    async def one(number: int) -> Outcome:
        due = began + number / rate
        status, answer = await pool.post(number, path, body(number))
        return Outcome(due - began, time.perf_counter() - due, status, answer)

    def ask(number: int) -> None:
        under_way.append(loop.create_task(one(number)))

    def pace() -> None:
        for number in range(count):
            if (wait := began + number / rate - time.perf_counter()) > 0:
                time.sleep(wait)
            loop.call_soon_threadsafe(ask, number)

    await asyncio.to_thread(pace)
    outcomes = await asyncio.gather(*under_way)
    pool.close()
    return outcomes
