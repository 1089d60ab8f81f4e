"""Requests at a fixed arrival rate, whether or not the answers before have come, and what became of each.

A latency counts from the moment a request was due: a server that stops for a second is charged for all requests of that
second (no coordinated omission: Tene, How NOT to Measure Latency, 2013). One thread sends, another one reads, both from
bare sockets: an event loop between the clock and the wire wakes up late, and would charge that to the server.
"""

import gc
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from benchmarks.http_client import message

Address = tuple[str, int]
LOST = 0  # the status of a request whose connection broke
PATIENCE = 30.0  # seconds for the last answers


class Outcome(NamedTuple):
    """What became of one request; ``at`` and ``seconds`` count from when it was due."""

    at: float  # seconds after the first
    seconds: float
    status: int
    body: bytes


class Connection:
    """One keep-alive connection, one request at a time."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number: int | None = None  # of the request under way
        self._received = b""

    def ask(self, number: int, request: bytes) -> None:
        self.number, self._received = number, b""
        self.socket.sendall(request)

    def answer(self) -> tuple[int, bytes] | None:
        """Status and body once they are there, after reading what has come. Raises OSError."""
        came = self.socket.recv(65536)
        if not came:
            raise ConnectionError("the server closed the connection")
        self._received += came
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return None
        return int(head[9:12]), body


def _length(head: bytes) -> int:
    return next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))


class Load:
    """Requests under way, and what became of the others."""

    def __init__(self, addresses: Sequence[Address], rate: float, count: int) -> None:
        self._addresses, self._rate, self._count = addresses, rate, count
        self._free: dict[Address, list[Connection]] = {address: [] for address in addresses}
        self._selector = selectors.DefaultSelector()
        self._outcomes: dict[int, Outcome] = {}
        self._done, self._began = threading.Event(), 0.0

    def run(self, path: str, body: Callable[[int], bytes]) -> list[Outcome]:
        """Send them all and wait for their answers."""
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        self._began = time.perf_counter()
        for number in range(self._count):
            address = self._addresses[number % len(self._addresses)]
            request = message(b"POST", path, *address, body(number))
            if (wait := self._began + number / self._rate - time.perf_counter()) > 0:
                time.sleep(wait)
            self._send(number, address, request)
        self._done.wait(PATIENCE)
        self._done.set()
        reader.join()
        for connection in [key.data for key in self._selector.get_map().values()]:
            self._drop(connection, "no answer")
        self._selector.close()
        return [self._outcomes[number] for number in range(self._count)]

    def _send(self, number: int, address: Address, request: bytes) -> None:
        try:
            connection = self._take(address)
            connection.ask(number, request)
        except OSError as error:  # if there is a connection, its reader hears of it as well
            self._end(number, LOST, str(error).encode())

    def _take(self, address: Address) -> Connection:
        """A connection that is free, or a new one: as many as are needed at once."""
        with suppress(IndexError):
            return self._free[address].pop()
        connection = Connection(address)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection

    def _read(self) -> None:
        while not self._done.is_set():
            for key, _ in self._selector.select(0.1):
                connection: Connection = key.data
                try:
                    answer = connection.answer()
                except OSError as error:
                    self._drop(connection, str(error))
                    continue
                if answer and connection.number is not None:
                    number, connection.number = connection.number, None
                    self._end(number, *answer)
                    self._free[connection.address].append(connection)

    def _drop(self, connection: Connection, reason: str) -> None:
        """Forget a connection; whoever closed it, what was asked on it is lost."""
        self._selector.unregister(connection.socket)
        with suppress(ValueError):
            self._free[connection.address].remove(connection)
        connection.socket.close()
        if connection.number is not None:
            self._end(connection.number, LOST, reason.encode())

    def _end(self, number: int, status: int, body: bytes) -> None:
        due = number / self._rate
        self._outcomes.setdefault(number, Outcome(due, time.perf_counter() - self._began - due, status, body))
        if len(self._outcomes) == self._count:
            self._done.set()


def load(
    addresses: Sequence[Address], path: str, body: Callable[[int], bytes], rate: float, seconds: float
) -> list[Outcome]:
    """So many requests a second for so long, in order of their being due; ``body`` makes each from its number."""
    collecting = gc.isenabled()
    gc.disable()  # a collection of all that a benchmark imports takes up to a second, in which nothing would be sent
    try:
        return Load(addresses, rate, int(rate * seconds)).run(path, body)
    finally:
        if collecting:
            gc.enable()
