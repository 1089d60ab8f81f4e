"""Made events with a long tail of users and items, on a broker."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from streaming.broker import create_topics
from streaming.events import Action, Interaction
from streaming.producer import EventProducer
from streaming.settings import StreamSettings

USERS, ITEMS = 2_000, 5_000
MIX: dict[Action, float] = {"impression": 0.4, "view": 0.3, "click": 0.25, "like": 0.05}
BEGIN_MS = 1_780_000_000_000
TIMEOUT_S = 300


def interactions(count: int, seed: int = 0) -> Iterator[Interaction]:
    """Made events, ten milliseconds apart."""
    draw = np.random.default_rng(seed)
    users = (USERS * draw.random(count) ** 2).astype(int)
    items = (ITEMS * draw.random(count) ** 3).astype(int)
    actions = draw.choice(len(MIX), count, p=list(MIX.values()))
    names = list(MIX)
    for number in range(count):
        yield Interaction(
            event_id=f"{seed}-{number}",
            user_id=f"u{users[number]}",
            item_id=f"i{items[number]}",
            action=names[actions[number]],
            timestamp=BEGIN_MS + 10 * number,
        )


def publish(broker: str, count: int, seed: int = 0) -> None:
    """Put so many events on the topic; returns when the broker has them."""
    create_topics(StreamSettings(broker=broker))
    with EventProducer(broker) as producer:
        for event in interactions(count, seed):
            producer.send(event)


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Return once the condition holds; raises TimeoutError after five minutes."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not finish within {TIMEOUT_S} s")
        time.sleep(0.1)  # asking takes processor time from what is measured
