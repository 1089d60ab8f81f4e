"""Pure: what a request or an event says of its moment -> hash buckets and the query's text, the same for all who ask.

A context is a flat JSON object. Text, numbers and booleans count, as text without blanks around it; ``1`` and ``1.0``
are one value, ``true`` is "true". Null, an empty text, a list or an object says nothing and is left out. ``query`` is
what the user typed and goes through the text encoder; every other key becomes the attribute ``key=value``, first the
NAMED ones in their order, then the others by name, ATTRIBUTES of them at most. What is longer than its limit is cut.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.buckets import attribute_buckets
from feature_repo.vocabulary import ATTRIBUTES

NAMED: Final = ("device", "country", "surface", "referrer")
QUERY: Final = "query"
KEY_LENGTH: Final = 64  # characters
VALUE_LENGTH: Final = 128  # characters
QUERY_LENGTH: Final = 256  # characters: about as many tokens as encoders read
LARGEST: Final = 2**63  # numbers beyond it say nothing

Context = Mapping[str, Any] | None
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_PLACES: Final = {key: place for place, key in enumerate(NAMED)}
_NOTHING: Final = np.zeros(ATTRIBUTES, np.int64)
_NOTHING.flags.writeable = False  # many requests share it


def context_buckets(context: Context) -> npt.NDArray[np.int64]:
    """A context without its query -> [ATTRIBUTES] hash buckets, 0 where there is none."""
    return attribute_buckets([f"{key}={value}" for key, value in _attributes(context)]) if context else _NOTHING


def query_text(context: Context) -> str:
    """What the user typed, blanks settled and cut to QUERY_LENGTH; "" where nothing was."""
    return " ".join(_text(context.get(QUERY))[: 4 * QUERY_LENGTH].split())[:QUERY_LENGTH].rstrip() if context else ""


def understood(context: Context) -> dict[str, str] | None:
    """The part of a context that the model sees, which gives the same buckets and query; None where it sees nothing."""
    if not context:
        return None
    query = query_text(context)
    return dict(_attributes(context)) | ({QUERY: query} if query else {}) or None


def without_query(context: Context) -> Context:
    """The same as if nothing had been typed."""
    return {key: value for key, value in context.items() if key != QUERY} if context else None


def to_json(context: Context) -> str | None:
    """A context as the offline log keeps it: keys sorted, without nulls and NaN; None where nothing is said."""
    said = {key: value for key, value in context.items() if value is not None and value == value} if context else {}
    return _encode(said).decode() if said else None


def from_json(text: str | None) -> dict[str, Any] | None:
    """The context of a row of the offline log. Raises msgspec.MsgspecError where it is no JSON object."""
    return _decode(text) if text else None


def _attributes(context: Context) -> list[tuple[str, str]]:
    """(key, value) as text, those that count: unique keys, in the order that decides who is beyond the limit."""
    found = dict(sorted(_pairs(context or {}), key=lambda pair: (_PLACES.get(pair[0], len(_PLACES)), pair)))
    return list(found.items())[:ATTRIBUTES]


def _pairs(context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in context.items():
        if key != QUERY and (text := _text(value)):
            yield key[:KEY_LENGTH], text[:VALUE_LENGTH].rstrip()


def _text(value: Any) -> str:
    match value:
        case str():
            return value.strip()
        case bool():
            return str(value).lower()
        case int() | float() if -LARGEST < value < LARGEST:
            return str(int(value) if value == int(value) else value)
    return ""
