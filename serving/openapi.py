"""What /docs says of bodies and answers. The routes read bodies themselves (msgspec: a tenth of pydantic's time for
10,000 items), so the schemas are derived from the same structs here."""

from typing import Any

import msgspec

from serving.answer import Ranking
from serving.batch_route import BatchAnswer, BatchRequest
from serving.ingest import Receipt
from serving.merge_route import MergeRequest
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
_RECOMMENDED = {
    "request_id": "0b1f6f3d1c5e4c0f8a1b2c3d4e5f6071",
    "model_version": "20260131-120000",
    "degraded": [],
    "took_ms": {"features": 0.61, "candidates": 0.55, "inputs": 0.48, "triton": 2.9, "total": 4.9},
    "items": [
        {"item_id": "50", "score": 1.25, "source": "similar"},
        {"item_id": "181", "score": 0.75, "source": "trending"},
    ],
}
_RECEIPT = {"accepted": 1, "rejected": [{"index": 1, "reason": "Expected `str`, got `int` - at `$.item_id`"}]}
_ERROR = {"error": {"code": "invalid_request", "message": "Expected `str`, got `int`", "field": "items[3]"}}


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
    error = {"type": "object", "required": ["error"]}
    reasons = {
        "413": "A body, a batch or a list over the limit",
        "422": "A body that cannot be used; the field and the reason",
        "503": "A neighbour is away: which one, and Retry-After",
    }
    return {
        "200": {"description": "The answer", "content": _content(_schema(kind), example)},
        **{code: {"description": text, "content": _content(error, _ERROR)} for code, text in reasons.items()},
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


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


def secured(scope: str) -> dict[str, Any]:
    """A route that needs a key with this scope, in either of two headers."""
    return {"security": [{name: [scope]} for name in _SCHEMES]}


def with_schemes(document: dict[str, Any]) -> dict[str, Any]:
    """The description of the API, and how keys are sent."""
    document.setdefault("components", {})["securitySchemes"] = _SCHEMES
    return document


_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <API key>`"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
def _url_parameters(kind: Any) -> list[dict[str, Any]]:
    """The fields of a struct as parameters of a URL."""
    schema = _schema(kind)
    required = schema["required"]
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]


RECEIPT = {"responses": responses(Receipt, _RECEIPT)}
LIVE = {"responses": {"200": {"description": "It answers"}}}
READY = {"responses": {"200": {"description": "Ready"}, "503": {"description": "Not ready: `not_ready` says why"}}}
METRICS = {"responses": {"200": {"description": "Prometheus' text format", "content": {"text/plain": {}}}}}
DELETE_ITEM = {"parameters": [_path_parameter("item_id")], **RECEIPT}
DELETE_USER = {"parameters": [_path_parameter("user_id")], **RECEIPT}
EVENTS = _one_or_many({"anyOf": [_schema(Interaction), _schema(Merge)]}, _INTERACTION)
MERGE = {
    "parameters": [_path_parameter("user_id")],
    **exchange(MergeRequest, {"session_id": "s-81"}, responses(Receipt, _RECEIPT)),
}
ITEMS = _one_or_many(_schema(Item), _ITEM)
USERS = _one_or_many(_schema(User), _USER)
RECOMMENDED = responses(Ranking, _RECOMMENDED)
NO_ITEM = {"404": {"description": "There is no such item", "content": _content({"type": "object"}, _ERROR)}}
RECOMMEND = exchange(RecommendRequest, {"user_id": "7", "k": 10, "context": {"device": "tv"}}, RECOMMENDED)
SIMILAR = exchange(SimilarRequest, {"item_id": "50", "k": 10}, {**RECOMMENDED, **NO_ITEM})
SIMILAR_BY_URL = {"parameters": _url_parameters(SimilarRequest), "responses": SIMILAR["responses"]}
SEARCH = exchange(SearchRequest, {"query": "space opera", "user_id": "7"}, RECOMMENDED)
_BATCH = {"requests": [{"user_id": "7", "k": 5}, {"session_id": "s-81", "k": 5}]}
_BATCHED = {"request_id": "4f5d1c", "model_version": "20260131-120000", "degraded": [], "took_ms": {"total": 9.8}}
BATCH = exchange(BatchRequest, _BATCH, responses(BatchAnswer, _BATCHED | {"rankings": [_RECOMMENDED]}))
RANK = {
    "requestBody": {
        "required": True,
        "content": _content(_schema(RankRequest), {"user_id": "7", "items": ["50", "181", "x"], "k": 10}),
    },
    "responses": responses(Ranking, _RANKING),
}
