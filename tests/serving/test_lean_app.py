"""Routes are found whether they are looked up or tried, and refused as FastAPI refuses."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request, Response

from serving.lean_app import Direct, LeanApp
from serving.plain_route import PlainRoute


async def tell(request: Request) -> Response:
    return Response(f"{request.scope['route'].path} {request.path_params}")


class Odd(ValueError):
    """What a handler is there for, by its parent."""


async def fail(request: Request) -> Response:
    match request.query_params["with"]:
        case "odd":
            raise Odd("odd")
        case "teapot":
            raise HTTPException(418, "teapot")
    raise KeyError("nobody expects it")


async def told(request: Request, error: Exception) -> Response:
    return Response(f"{type(error).__name__} {request.url.path}", 422)


def made(kind: type[FastAPI]) -> FastAPI:
    app = kind(openapi_url=None, exception_handlers={ValueError: told, Exception: told})
    app.router.route_class = PlainRoute
    app.add_api_route("/plain", tell, methods=["POST"])
    app.add_api_route("/plain", tell, methods=["GET"])
    app.add_api_route("/users/{user_id}", tell, methods=["GET"])
    app.add_api_route("/fail", fail, methods=["GET"])
    return app


def asked(app: FastAPI, method: str, path: str) -> tuple[int, str]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path)

    answer = asyncio.run(ask())
    return answer.status_code, answer.text


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["/plain", "/plain/", "/plain?a=1", "/users/7", "/users/", "/none", "/"])
def test_a_request_is_answered_as_by_fastapi(method: str, path: str) -> None:
    assert asked(made(LeanApp), method, path) == asked(made(FastAPI), method, path)


@pytest.mark.parametrize("error", ["odd", "teapot", "unexpected"])
def test_an_error_is_answered_as_by_fastapi(error: str) -> None:
    assert asked(made(LeanApp), "GET", f"/fail?with={error}") == asked(made(FastAPI), "GET", f"/fail?with={error}")


def test_only_paths_without_parameters_are_looked_up() -> None:
    assert set(Direct(made(LeanApp).router, {})._routes) == {
        *(("POST", "/plain"), ("GET", "/plain"), ("GET", "/fail")),
    }
    assert asked(made(LeanApp), "POST", "/plain") == (200, "/plain {}")
    assert asked(made(LeanApp), "GET", "/users/7") == (200, "/users/{user_id} {'user_id': '7'}")
