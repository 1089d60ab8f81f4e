"""Events sent in the background: in batches, in order, and none lost without a word."""

import asyncio
import subprocess
import sys
import threading
from typing import Any

import httpx
import msgspec
import pytest

from serving.client import Client, EventQueue, Interaction, NotTaken, QueueFull, Unavailable
from tests.serving.client.served import Script, api, away, mocked, receipt
from tests.serving.fakes import World


def click(number: int) -> Interaction:
    return Interaction(user_id="7", item_id=str(number), action="click")


def queue(script: Any, **options: Any) -> EventQueue:
    return EventQueue(Client("http://api", transport=mocked(script)), **options)


def batches(script: Script) -> list[list[str]]:
    return [[each["item_id"] for each in msgspec.json.decode(asked.content)] for asked in script.asked]


def taken(request: httpx.Request) -> httpx.Response:
    return receipt(len(msgspec.json.decode(request.content)))


def test_events_reach_the_api_in_their_order() -> None:
    world = World()
    with api(world) as url, Client(url) as client, EventQueue(client, batch=10) as events:
        for number in range(35):
            events.put(click(number))
    assert [each.item_id for each in world.bus.messages if isinstance(each, Interaction)] == [str(n) for n in range(35)]


def test_a_flush_returns_when_all_is_taken() -> None:
    world = World()
    with api(world) as url, Client(url) as client, EventQueue(client, linger=60) as events:
        events.put(click(1))
        events.flush()
        assert len(world.bus.messages) == 1


def test_while_the_api_is_away_events_wait_and_then_arrive() -> None:
    script = Script(away(), away(), receipt(2))
    with queue(script, batch=2) as events:
        events.put(click(1))
        events.put(click(2))
        events.flush()
    assert batches(script)[-1] == ["1", "2"] and len(script.asked) == 3


def test_what_the_api_refuses_is_raised_by_flush_with_the_reason() -> None:
    script = Script(receipt(1, {"index": 1, "reason": "wrong"}))
    with queue(script, batch=2) as events:
        events.put(click(1))
        events.put(click(2))
        with pytest.raises(NotTaken, match="wrong") as raised:
            events.flush()
    assert [each.message.item_id for each in raised.value.lost] == ["2"]


def test_a_queue_closed_while_the_api_is_away_raises_every_event_it_held() -> None:
    events = queue(Script(away()))
    events.put(click(1))
    events.put(click(2))
    with pytest.raises(NotTaken, match=r"closed before the API took it: .*away") as raised:
        events.close(timeout=0.3)
    assert [each.message.item_id for each in raised.value.lost] == ["1", "2"]


def test_a_flush_that_takes_too_long_says_why_and_keeps_the_events() -> None:
    script = Script(away(), receipt(1))
    with queue(script, linger=0) as events:
        events.put(click(1))
        with pytest.raises(Unavailable, match="1 events still wait"):
            events.flush(timeout=0)
    assert batches(script)[-1] == ["1"]


def test_a_full_queue_takes_no_more_and_says_so() -> None:
    go = threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        go.wait()
        return taken(request)

    with queue(slow, most=2, linger=0) as events:
        events.put(click(1))
        events.put(click(2))
        with pytest.raises(QueueFull, match="2 events wait"):
            events.put(click(3))
        go.set()
        events.put(click(3), wait=5)


def test_a_closed_queue_takes_nothing() -> None:
    events = queue(taken)
    events.close()
    with pytest.raises(RuntimeError, match="closed"):
        events.put(click(1))


def test_closing_twice_is_closing_once() -> None:
    script = Script(receipt(1))
    events = queue(script)
    events.put(click(1))
    events.close()
    events.close()
    assert batches(script) == [["1"]]
    with pytest.raises(RuntimeError, match="closed"):
        events.put(click(2))


def test_an_event_that_no_json_can_hold_fails_where_it_was_made() -> None:
    with queue(taken) as events, pytest.raises(TypeError):
        events.put(Interaction(user_id="7", item_id="1", action="click", context={"device": object()}))


def test_a_client_that_was_closed_too_early_loses_nothing_silently() -> None:
    client = Client("http://api", transport=mocked(taken))
    client.close()
    events = EventQueue(client)
    events.put(click(1))
    with pytest.raises(NotTaken, match="closed"):
        events.close()


def test_an_asynchronous_application_may_use_it_as_well() -> None:
    script = Script(receipt(1))

    async def talk() -> None:
        async with queue(script) as events:
            events.put(click(1))

    asyncio.run(talk())
    assert batches(script) == [["1"]]


def test_an_event_keeps_the_time_at_which_it_was_put() -> None:
    script = Script(receipt(1))
    with queue(script) as events:
        events.put(click(1))
    [[sent]] = [msgspec.json.decode(asked.content) for asked in script.asked]
    assert sent["timestamp"] and sent["event_id"]


@pytest.mark.process
def test_a_program_that_forgets_to_close_the_queue_still_sends_what_it_holds() -> None:
    program = """
import sys
from serving.client import Client, EventQueue, Interaction
queue = EventQueue(Client(sys.argv[1]), linger=60)
queue.put(Interaction(user_id="7", item_id="50", action="click"))
"""
    world = World()
    with api(world) as url:
        subprocess.run([sys.executable, "-c", program, url], check=True)
    assert [each.item_id for each in world.bus.messages if isinstance(each, Interaction)] == ["50"]
