"""What /docs says of bodies and answers. The routes read bodies themselves (msgspec: a tenth of pydantic's time for
10,000 items), so the schemas are derived from the same structs here."""

from typing import Any

import msgspec

from serving.answer import Ranking
from serving.batch_route import BatchAnswer, BatchRequest
from serving.ingest import Receipt
from serving.known_user import KnownUser
from serving.merge_route import MergeRequest
from serving.receipts import KEPT, ErasureReceipt
from serving.receive import Asked
from serving.request import RankRequest, RecommendRequest
from serving.searching import SearchRequest
from serving.similar_items import SimilarRequest
from serving.strict import Interaction, Item, Merge, User

_INTERACTION = {"user_id": "7", "item_id": "50", "action": "click", "timestamp": "2026-01-31T12:00:00Z"}
_ITEM = {"item_id": "50", "title": "Star Wars", "categories": ["Action", "Sci-Fi"], "attributes": {"year": 1977}}
_USER = {"user_id": "7", "attributes": {"country": "CH"}}
_RANKING = {
    "request_id": "0b1f6f3d1c5e4c0f8a1b2c3d4e5f6071",
    "model_version": "20260131-120000",
    "degraded": [],
    "took_ms": {"features": 0.61, "inputs": 0.32, "triton": 1.74, "total": 2.81},
    "items": [{"item_id": "50", "score": 1.25}, {"item_id": "181", "score": 0.75}, {"item_id": "x", "score": None}],
    "unknown_items": ["x"],
    "unavailable_items": [],
}
_KNOWN = {
    "request_id": "0b1f6f3d1c5e4c0f8a1b2c3d4e5f6071",
    "user_id": "7",
    "read_at": "2026-01-31T12:00:01.000Z",
    "expired": False,
    "features": {
        "user_attributes": {"value": ["country=CH"], "at": "2026-01-02T09:30:00.000Z"},
        "user_actions_1h": {"value": {"click": 1.0}, "at": "2026-01-31T12:00:00.000Z"},
        "user_categories": {"value": {"Sci-Fi": 0.6, "Action": 0.4}, "at": "2026-01-31T12:00:00.000Z"},
    },
    "history": [{"item_id": "50", "title": "Star Wars", "action": "click", "at": "2026-01-31T12:00:00.000Z"}],
}
_RECOMMENDED = {
    "request_id": "0b1f6f3d1c5e4c0f8a1b2c3d4e5f6071",
    "model_version": "20260131-120000",
    "degraded": [],
    "took_ms": {"features": 0.61, "user_vector": 1.2, "candidates": 0.55, "inputs": 0.48, "triton": 2.9, "total": 6.1},
    "items": [
        {"item_id": "50", "score": 1.25, "source": "similar"},
        {"item_id": "181", "score": 0.75, "source": "trending"},
    ],
}
_RECEIPT = {
    "accepted": 1,
    "rejected": [{"index": 1, "reason": "Expected `str`, got `int` - at `$.item_id`"}],
    "request_id": "5f0b7c9e21d84a57b4c1a2e3f4d5c6b7",
}
_ERROR = {
    "error": {"code": "invalid_request", "message": "Expected `str`, got `int`", "field": "items[3]"},
    "request_id": "5f0b7c9e21d84a57b4c1a2e3f4d5c6b7",
}

_ANY_ERROR = {"type": "object", "required": ["error"]}


def _schema(kind: Any) -> Any:
    """The JSON schema of a struct in one piece."""
    (reference,), definitions = msgspec.json.schema_components([kind])
    return _inlined(reference, definitions)


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items()}
    return [_inlined(each, definitions) for each in schema] if isinstance(schema, list) else schema


def _content(schema: Any, example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "example": example}}


def responses(kind: Any, example: Any) -> dict[str, Any]:
    """What a route of ours answers."""
    reasons = {
        "408": "A request that did not arrive in time",
        "413": "A body, a batch or a list over the limit",
        "422": "A body that cannot be used; the field and the reason",
        "503": "A neighbour is away: which one, and Retry-After",
    }
    return {
        "200": {"description": "The answer", "content": _content(_schema(kind), example)},
        **{code: {"description": text, "content": _content(_ANY_ERROR, _ERROR)} for code, text in reasons.items()},
    }


_IDS = {"item_id": "50", "user_id": "7", "receipt_id": "6cd2b8f4a31d4f6e9f0c2a7b5e1d8c93"}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": _IDS[name]}


def _one_or_many(one: Any, example: Any) -> dict[str, Any]:
    schema = {"oneOf": [one, {"type": "array", "items": one}]}
    content = _content(schema, [example]) | {"application/x-ndjson": {"schema": one, "example": example}}
    return {"requestBody": {"required": True, "content": content}, **RECEIPT}


def exchange(body: Any, example: Any, responses: dict[str, Any]) -> dict[str, Any]:
    """A route that takes ``body`` as JSON."""
    return {"requestBody": {"required": True, "content": _content(_schema(body), example)}, "responses": responses}


def removal(name: str, responses: dict[str, Any]) -> dict[str, Any]:
    """A route that removes what its path names."""
    return {"parameters": [_path_parameter(name)], "responses": responses}


def answers(kind: Any, example: Any, refusals: dict[str, str]) -> dict[str, Any]:
    """What a route answers: JSON, or a refusal as plain text."""
    refused = {code: {"description": text, "content": {"text/plain": {}}} for code, text in refusals.items()}
    return {"200": {"description": "The answer", "content": _content(_schema(kind), example)}, **refused}


def _url_parameters(kind: Any, example: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a struct as parameters of a URL."""
    schema = _schema(kind)
    required = schema["required"]
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field, "example": example[name]}
        for name, field in schema["properties"].items()
    ]


RECEIPT = {"responses": responses(Receipt, _RECEIPT)}
LIVE = {"responses": {"200": {"description": "It answers", "content": _content({}, {"live": True})}}}
_READY = {"ready": True, "items": 1682, "items_unencoded": 0}
_NOT_READY = {"ready": False, "not_ready": {"triton": "triton at 127.0.0.1:8001 does not answer"}}
READY = {
    "responses": {
        "200": {"description": "Ready", "content": _content({}, _READY)},
        "503": {"description": "Not ready: `not_ready` says why", "content": _content({}, _NOT_READY)},
    }
}
_EXPOSITION = {"text/plain": {"schema": {"type": "string"}, "example": "freshrank_items 1682.0"}}
METRICS = {"responses": {"200": {"description": "Prometheus' text format", "content": _EXPOSITION}}}
_ASKED = {"accepted": 1, "rejected": [], "request_id": _RANKING["request_id"], "receipt_id": _IDS["receipt_id"]}
_ERASED = {
    "request_id": _RANKING["request_id"],
    "receipt_id": _IDS["receipt_id"],
    "kind": "user",
    "state": "done",
    "asked_at": "2026-01-31T12:00:00.000Z",
    "begun_at": "2026-01-31T12:00:00.012Z",
    "done_at": "2026-01-31T12:15:03.071Z",
    "removed": [{"store": "offline log: interactions", "rows": 81, "at": "2026-01-31T12:00:02.131Z"}],
    "kept": KEPT,
}
DELETE_ITEM = {"parameters": [_path_parameter("item_id")], "responses": responses(Asked, _ASKED)}
DELETE_USER = {"parameters": [_path_parameter("user_id")], "responses": responses(Asked, _ASKED)}
TELL_RECEIPT = {
    "parameters": [_path_parameter("receipt_id")],
    "responses": {**responses(ErasureReceipt, _ERASED), "404": {"description": "There is no such receipt"}},
}
TELL_USER = {
    "parameters": [_path_parameter("user_id")],
    "responses": {**responses(KnownUser, _KNOWN), "404": {"description": "Nothing is known of this user"}},
}
EVENTS = _one_or_many({"anyOf": [_schema(Interaction), _schema(Merge)]}, _INTERACTION)
MERGE = {
    "parameters": [_path_parameter("user_id")],
    **exchange(MergeRequest, {"session_id": "s-81"}, responses(Receipt, _RECEIPT)),
}
ITEMS = _one_or_many(_schema(Item), _ITEM)
USERS = _one_or_many(_schema(User), _USER)
RECOMMENDED = responses(Ranking, _RECOMMENDED)
NO_ITEM = {"404": {"description": "There is no such item", "content": _content({"type": "object"}, _ERROR)}}
_DRY_RUN = {
    "name": "dry_run",
    "in": "query",
    "description": "1: tell what every stage of the slate changed; the ranking is neither logged nor remembered",
    "schema": {"type": "string", "enum": ["0", "1", "true", "false"], "default": "0"},
    "example": "0",
}
REHEARSED: dict[str, Any] = {"parameters": [_DRY_RUN]}
_ASKED = {"user_id": "7", "k": 10, "context": {"device": "tv"}, "filter": "year >= 1990"}
RECOMMEND = REHEARSED | exchange(RecommendRequest, _ASKED, RECOMMENDED)
SIMILAR = REHEARSED | exchange(SimilarRequest, {"item_id": "50", "k": 10}, {**RECOMMENDED, **NO_ITEM})
_SIMILAR = {
    "item_id": "50",
    "k": 10,
    "offset": 0,
    "surface": "similar",
    "filter": '"Sci-Fi" in categories',
    "exclude": ["181"],
    "deadline_ms": 100,
}
SIMILAR_BY_URL = {
    "parameters": [*_url_parameters(SimilarRequest, _SIMILAR), _DRY_RUN],
    "responses": SIMILAR["responses"],
}
SEARCH = REHEARSED | exchange(SearchRequest, {"query": "space opera", "user_id": "7"}, RECOMMENDED)
_BATCH = {"requests": [{"user_id": "7", "k": 5}, {"session_id": "s-81", "k": 5}]}
_BATCHED = {"request_id": "4f5d1c", "model_version": "20260131-120000", "degraded": [], "took_ms": {"total": 9.8}}
BATCH = exchange(BatchRequest, _BATCH, responses(BatchAnswer, _BATCHED | {"rankings": [_RECOMMENDED]}))
RANK = REHEARSED | {
    "requestBody": {
        "required": True,
        "content": _content(_schema(RankRequest), {"user_id": "7", "items": ["50", "181", "x"], "k": 10}),
    },
    "responses": responses(Ranking, _RANKING),
}
