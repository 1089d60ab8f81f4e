"""An answer -> its HTTP response."""

from typing import Any

import msgspec
from starlette.responses import Response

_encode = msgspec.json.Encoder().encode


class JsonAnswer(Response):
    """200 with JSON; its two headers are written down, where Starlette would look through those it may be given."""

    def __init__(self, body: bytes) -> None:
        self.status_code, self.background, self.body = 200, None, body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]


def as_json(answer: Any) -> Response:
    """200, with the answer as JSON."""
    return JsonAnswer(_encode(answer))
