"""What comes beyond the bound is turned away at once."""

import asyncio
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from serving.shedding import Shedding


class Waiting:
    """An app whose answers wait for ``go``."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def crowd(*paths: str, most: int = 2) -> tuple[list[httpx.Response], dict[str, int]]:
    """Answers of requests that are all under way at once."""
    app, shed = Waiting(), {"rankings": 0, "others": 0}
    transport = httpx.ASGITransport(Shedding(app, most, shed))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        asked = [asyncio.ensure_future(client.post(path)) for path in paths]
        for _ in range(100):  # steps, not time: all have arrived or were turned away
            await asyncio.sleep(0)
        app.go.set()
        return list(await asyncio.gather(*asked)), shed


def test_rankings_beyond_the_bound_are_told_to_come_back() -> None:
    answers, shed = asyncio.run(crowd(*["/v1/rank"] * 5))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503] and shed["rankings"] == 3
    refused: Any = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json()["error"]["code"] == "overloaded" and refused.headers["retry-after"] == "1"
    assert refused.json()["request_id"]


def test_events_that_wait_keep_no_ranking_out() -> None:
    answers, shed = asyncio.run(crowd("/v1/events", "/v1/items", "/v1/users", "/v1/rank", "/v1/recommend"))
    assert [answer.status_code for answer in answers] == [200, 200, 503, 200, 200]
    assert shed == {"rankings": 0, "others": 1}


def test_health_is_always_told() -> None:
    answers, _ = asyncio.run(crowd("/health/live", "/metrics", "/health/ready", most=0))
    assert {answer.status_code for answer in answers} == {200}


def test_a_place_is_free_again_after_the_answer() -> None:
    async def twice() -> list[int]:
        app = Waiting()
        app.go.set()
        transport = httpx.ASGITransport(Shedding(app, 1, {}))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return [(await client.post("/v1/rank")).status_code for _ in range(3)]

    assert asyncio.run(twice()) == [200, 200, 200]
