"""HTTP over one connection that stays open, and nothing else: the client must not hide what the server costs."""

import socket


def message(method: bytes, path: str, host: str, port: int, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    return b"%b %b HTTP/1.1\r\nhost: %b:%d\r\ncontent-length: %d\r\n\r\n%b" % (
        method,
        path.encode(),
        host.encode(),
        port,
        len(body),
        body,
    )


class HttpClient:
    """One keep-alive connection."""

    def __init__(self, host: str, port: int, timeout: float = 30) -> None:
        self._at = host, port
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        return self._exchange(b"GET", path, b"")

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of posting JSON."""
        return self._exchange(b"POST", path, body)

    def close(self) -> None:
        self._socket.close()

    def _exchange(self, method: bytes, path: str, body: bytes) -> tuple[int, bytes]:
        self._socket.sendall(message(method, path, *self._at, body))
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        lines, _, answer = received.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in lines.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(answer) < length:
            answer += self._receive()
        return int(lines[9:12]), answer

    def _receive(self) -> bytes:
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        return received
