"""HTTP body -> a typed request, or an error that names the field."""

import re
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from serving.errors import InvalidRequest, TooLarge

Typed = TypeVar("Typed")
_FIELD = re.compile(r"`(\w+)` ")
_NAMED = re.compile(r"(?:unknown|required) field `(.*?)`")
_PATH = re.compile(r" - at `\$\.?(.*)`$")


async def read(request: Request, limit: int) -> bytes:
    """The request's body; raises TooLarge as soon as it passes ``limit`` bytes."""
    chunks, size, more = [], 0, True
    while more:  # Starlette's stream() does the same through a generator
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise TooLarge(f"the body is larger than {limit} bytes: split it into several requests")
        more = message.get("more_body", False)
    return b"".join(chunks)


def decode(decoder: "msgspec.json.Decoder[Typed]", body: bytes) -> Typed:
    """The request this JSON holds; raises InvalidRequest with the field and the reason."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from error


def refusal(reason: str) -> InvalidRequest:
    """A reason of msgspec or of ``streaming.events`` with the field that it names at its end or its start."""
    return InvalidRequest(_PATH.sub("", reason), field_of(reason))


def field_of(reason: str) -> str | None:
    """The field that such a reason is about, as a path from the body's top."""
    found = _PATH.search(reason), _NAMED.search(reason) or _FIELD.match(reason)
    return ".".join(each[1] for each in found if each and each[1]) or None
