"""What the OpenAPI description allows is asked, and what it forbids: no answer is a 500, and none is undescribed."""

from typing import Any, cast

import msgspec
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.python.asgi import get_client
from schemathesis.specs.openapi import checks as conformance
from starlette.types import Receive, Scope, Send

from serving.app import create_app
from serving.keys.scopes import needed
from tests.serving.fakes import World


class Restarted:
    """An app that is made anew whenever it is started: schemathesis starts it for every test."""

    def __init__(self) -> None:
        self._app = self._new()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._app = self._new()
        await self._app(scope, receive, send)

    @staticmethod
    def _new() -> FastAPI:
        world = World()
        return create_app(world.settings, world.neighbours)


APP = Restarted()
DESCRIPTION = Restarted._new().openapi()
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
OPERATIONS = [
    pytest.param(method, path, operation, id=f"{method.upper()} {path}")
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
]
EXAMPLES = 15
CHECKS = [
    schemathesis.checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def lines(context: schemathesis.SerializationContext, value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_whatever_is_sent_is_answered_as_described(
    method: str, path: str, operation: dict[str, Any], mode: GenerationMode
) -> None:
    if mode is GenerationMode.NEGATIVE and not (operation.get("parameters") or operation.get("requestBody")):
        return  # nothing is sent, so nothing is forbidden
    with get_client(cast(Any, APP)) as client:

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=SCHEMA[path][method].as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case[Any]) -> None:
            case.validate_response(case.call(session=client), checks=CHECKS)

        ask()


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_operation_has_examples_of_what_goes_in_and_comes_out(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    sent = operation.get("requestBody", {}).get("content", {})
    assert all("example" in content for content in sent.values())
    assert all("example" in parameter for parameter in operation.get("parameters", ()))
    assert all("example" in content for content in operation["responses"]["200"]["content"].values())


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_operation_says_which_scope_it_needs(method: str, path: str, operation: dict[str, Any]) -> None:
    scope = needed(method.upper(), path)
    wanted = [{"bearer": [scope]}, {"header": [scope]}] if scope else []
    assert operation.get("security", []) == wanted


def test_the_description_says_how_keys_are_sent() -> None:
    schemes = DESCRIPTION["components"]["securitySchemes"]
    assert (schemes["bearer"]["scheme"], schemes["header"]["name"]) == ("bearer", "X-API-Key")
