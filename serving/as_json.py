"""An answer -> its HTTP response."""

from typing import Any

import msgspec
from starlette.responses import Response

_encode = msgspec.json.Encoder().encode


def as_json(answer: Any) -> Response:
    """200, with the answer as JSON."""
    return Response(_encode(answer), media_type="application/json")
