"""Slow and oversized requests, over real sockets to a server of this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn

from serving.app import create_app
from serving.connection import LARGEST_HEAD, Connection
from serving.user_features import UserRows
from tests.serving.fakes import World

RANK = b'{"user_id": "u", "items": ["a"]}'
HEAD = b"POST /v1/rank HTTP/1.1\r\nhost: x\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


@asynccontextmanager
async def served(patience: float, world: World, keep_alive: Any = 5) -> AsyncIterator[int]:
    """The port of an API that waits ``patience`` seconds for a request, and ``keep_alive`` for the next to begin."""
    http: Any = partial(Connection, patience=patience)
    settings: Any = {"port": 0, "http": http, "ws": "none", "log_config": None, "timeout_keep_alive": keep_alive}
    server = uvicorn.Server(uvicorn.Config(create_app(world.settings, world.neighbours), **settings))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.001)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


def talk(script: Talk, patience: float = 0.05, world: World | None = None, keep_alive: float = 5) -> Any:
    async def conversation() -> Any:
        async with served(patience, world or World(), keep_alive) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return await script(reader, writer)
            finally:
                writer.close()

    return asyncio.run(asyncio.wait_for(conversation(), 20))


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return head + await reader.readexactly(int(length.split()[1]))


def test_a_whole_request_is_answered_and_the_connection_serves_the_next() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        answers = []
        for _ in range(2):
            writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(RANK) + RANK)
            answers.append(await answer(reader))
        return answers

    first, second = talk(twice, patience=10)
    assert first.startswith(b"HTTP/1.1 200") and second.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("said", [HEAD, b"P", b"\r\n\r\n"])
def test_a_head_that_does_not_end_is_given_up(said: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(said)
        return await reader.read()

    assert talk(drip).startswith(b"HTTP/1.1 408")


def test_a_connection_on_which_nothing_is_said_is_closed() -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await reader.read()

    assert talk(silence) == b""


def test_a_head_without_end_is_refused_before_it_fills_the_memory() -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD + b"x: " + b"y" * (LARGEST_HEAD + 1))
        return await reader.readline()

    assert talk(pour, patience=10).startswith(b"HTTP/1.1 431")


def test_a_body_that_does_not_arrive_is_given_up_with_the_reason() -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD + b"content-length: 100\r\n\r\n{")
        return await answer(reader)

    said = talk(stall)
    assert said.startswith(b"HTTP/1.1 408") and b'"code":"request_timeout"' in said and b"within 0.05 s" in said
    assert b'"request_id":"' in said and b"x-content-type-options: nosniff" in said.lower()


def test_a_request_that_began_behind_another_one_must_arrive_in_time_too() -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes]:
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(RANK) + RANK + HEAD + b"content-length: 9\r\n\r\n{")
        return await answer(reader), await reader.read()

    first, second = talk(stall, patience=0.2)
    assert first.startswith(b"HTTP/1.1 200") and second.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("begun", [b"POST", HEAD + b"content-length: 9\r\n\r\n{"])
def test_nothing_is_said_of_a_late_request_while_the_one_before_it_waits_for_its_answer(begun: bytes) -> None:
    async def both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(RANK) + RANK + begun)
        return await reader.read()

    async def slowly(user_id: str, seconds: float = 1) -> UserRows:
        await asyncio.sleep(0.3)
        return UserRows({}, {})

    world = World()
    world.users.read = slowly  # type: ignore[method-assign]
    assert talk(both, world=world) == b""


def test_a_connection_is_kept_for_a_while_after_each_answer() -> None:
    async def pause(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[list[bytes], bytes, float]:
        answers = []
        for _ in range(4):  # longer in all than it is kept
            writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(RANK) + RANK)
            answers.append(await answer(reader))
            await asyncio.sleep(0.1)
        since = asyncio.get_running_loop().time() - 0.1
        return answers, await reader.read(), asyncio.get_running_loop().time() - since

    answers, rest, kept = talk(pause, patience=10, keep_alive=0.25)
    assert [each[:12] for each in answers] == [b"HTTP/1.1 200"] * 4
    assert rest == b"" and 0.2 < kept < 5


@pytest.mark.parametrize("rest", [b"    }", b"    "])
def test_a_connection_is_not_kept_for_ever_after_a_request_that_was_answered_before_its_end(rest: bytes) -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes]:
        writer.write(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n{")
        refused = await answer(reader)
        writer.write(rest)
        return refused, await reader.read()

    refused, after = talk(late, patience=0.5, keep_alive=0.1)
    assert refused.startswith(b"HTTP/1.1 404") and after == b""


def test_a_body_that_is_refused_before_it_has_arrived_may_not_go_on_for_ever() -> None:
    async def too_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes]:
        writer.write(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        return await answer(reader), await reader.read()

    refused, after = talk(too_much)
    assert refused.startswith(b"HTTP/1.1 404") and after == b""


def test_a_large_body_in_many_pieces_is_no_large_head() -> None:
    async def many(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        body = b" " * (3 * LARGEST_HEAD) + RANK
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 10_000):
            writer.write(body[start : start + 10_000])
            await writer.drain()
        return await answer(reader)

    assert talk(many, patience=10).startswith(b"HTTP/1.1 200")


def test_who_leaves_within_a_body_leaves_no_error_behind(caplog: pytest.LogCaptureFixture) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"content-length: 100\r\n\r\n{")
        await writer.drain()

    talk(leave, patience=10)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
