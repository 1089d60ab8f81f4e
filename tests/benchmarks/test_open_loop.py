"""Load at a fixed rate: what is late is charged to the server."""

import asyncio
import gc
import socket
import time
from contextlib import suppress

from benchmarks.open_loop import LOST, Outcome, load

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def against(
    answers: list[bytes], rate: float, requests: int, stays: bool = True
) -> tuple[list[Outcome], list[bytes]]:
    """Outcomes by a server that gives these answers in turn, the last one for ever; an empty one hangs up.

    A server that does not stay closes its connection after each answer.
    """
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await reader.readuntil(b"\r\n\r\n")) and (body := await reader.readexactly(2)):
            assert head.startswith(b"POST /v1/rank HTTP/1.1\r\n")
            asked.append(body)
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if not answer:
                writer.close()
                return
            writer.write(answer[:20])
            writer.write(answer[20:])
            if not stays:
                writer.close()
                return

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()  # the client is done

    async with await asyncio.start_server(told, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        body = [f"{number:02d}".encode() for number in range(requests)]
        outcomes = await asyncio.to_thread(load, [address], "/v1/rank", body.__getitem__, rate, requests / rate)
    return outcomes, asked


def test_every_request_is_sent_and_its_answer_kept() -> None:
    outcomes, asked = asyncio.run(against([ANSWER], rate=500, requests=20))
    assert [(outcome.status, outcome.body) for outcome in outcomes] == [(200, b"ok")] * 20
    assert sorted(asked) == [f"{number:02d}".encode() for number in range(20)]
    assert [round(outcome.at, 6) for outcome in outcomes] == [round(number / 500, 6) for number in range(20)]


def test_a_connection_that_breaks_is_told_and_replaced() -> None:
    outcomes, _ = asyncio.run(against([ANSWER, b"", ANSWER], rate=50, requests=5))
    statuses = [outcome.status for outcome in outcomes]
    assert statuses.count(200) >= 3 and LOST in statuses


def test_a_connection_that_the_server_closed_while_nobody_used_it_is_replaced() -> None:
    outcomes, asked = asyncio.run(against([ANSWER], rate=20, requests=4, stays=False))
    assert [outcome.status for outcome in outcomes] == [200] * 4 and len(asked) == 4


def test_a_latency_counts_from_when_the_request_was_due() -> None:
    async def stop_for_a_moment() -> list[Outcome]:
        async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.IncompleteReadError):
                while await reader.readuntil(b"\r\n\r\n") and (body := await reader.readexactly(2)):
                    if body == b"00":
                        time.sleep(0.2)  # noqa: ASYNC251  # the whole server stands still
                    writer.write(ANSWER)
            writer.close()

        async with await asyncio.start_server(told, "127.0.0.1", 0) as server:
            address = server.sockets[0].getsockname()
            return await asyncio.to_thread(load, [address], "/v1/rank", lambda number: b"%02d" % number, 50, 0.4)

    late = [outcome.seconds for outcome in asyncio.run(stop_for_a_moment())]
    assert late[0] >= 0.2 and late[5] >= 0.09  # due after 0.1 s, and answered when the server goes on
    assert late[-1] < 0.09


def test_a_server_that_is_not_there_loses_every_request() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        outcomes = load([nobody.getsockname()], "/v1/rank", lambda number: b"00", rate=100, seconds=0.05)
    assert [outcome.status for outcome in outcomes] == [LOST] * 5


def test_nothing_is_collected_while_requests_are_sent() -> None:
    collecting: list[bool] = []

    def body(number: int) -> bytes:
        collecting.append(gc.isenabled())
        return b"00"

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        load([nobody.getsockname()], "/v1/rank", body, rate=1000, seconds=0.003)
    assert collecting == [False] * 3 and gc.isenabled()
