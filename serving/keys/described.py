"""What the OpenAPI description says of keys."""

from typing import Any

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <API key>`"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def with_schemes(document: dict[str, Any]) -> dict[str, Any]:
    """The description of the API, and how keys are sent."""
    document.setdefault("components", {})["securitySchemes"] = SCHEMES
    return document


def secured(described: dict[str, Any], scope: str) -> dict[str, Any]:
    """A route that needs a key with this scope, in either of two headers, and how it refuses others."""
    security = [{name: [scope]} for name in SCHEMES]
    return described | {"security": security, "responses": described["responses"] | _refusals(scope)}


def _refusals(scope: str) -> dict[str, Any]:
    reasons = {
        "401": ("No API key, or none that is in force", "unauthorized", "this route needs an API key"),
        "403": (f"An API key without the scope `{scope}`", "forbidden", f"this route needs {scope}"),
        "429": (
            "The API key asks too often: Retry-After",
            "too_many_requests",
            "this API key may ask 10 times a second",
        ),
    }
    schema = {"type": "object", "required": ["error"]}
    return {
        status: {
            "description": text,
            "content": {
                "application/json": {"schema": schema, "example": {"error": {"code": code, "message": message}}}
            },
        }
        for status, (text, code, message) in reasons.items()
    }
