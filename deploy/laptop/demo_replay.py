"""The live part of the demo: events through Kafka, a worker killed on the way, and the count of what came of it."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deploy.laptop.demo_probes import wait_until
from deploy.laptop.system import System
from feature_repo.features import user_activity
from feature_repo.online import OnlineRows
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from feature_repo.user_activity import UserActivity, from_row
from streaming.events import Interaction, Item
from streaming.history import interactions, messages, read_table
from streaming.lag import offsets
from streaming.plain_loop import Users
from streaming.producer import EventProducer

CAUGHT_UP_S = 180.0


def replay(system: System, events: Sequence[Interaction], producer: EventProducer) -> None:
    """Publish the events; half way the worker dies by SIGKILL and another takes over. Returns when all are stored."""
    progress = tqdm(events, desc="replay", unit=" events", file=sys.stderr)
    for number, event in enumerate(progress):
        producer.send(event)
        if number == len(events) // 2:
            wait_until_behind(system, number // 2)
            system.kill("worker", signal.SIGKILL)
            progress.write("  the worker was killed with SIGKILL; another one takes over", file=sys.stderr)
            system.launch("worker")
    producer.flush(timeout=60)
    catch_up(system)


def catch_up(system: System) -> None:
    """Return once the worker has stored everything the broker has (what it passes on to its item side as well)."""
    with offsets(system.environment["FRESHRANK_BROKER"]) as group:
        wait_until(lambda: group.lag() == 0, CAUGHT_UP_S, "the worker to store every event")


def wait_until_behind(system: System, stored: int) -> None:
    """Return once the worker has stored so many events, so that it dies in the middle of its work."""
    with offsets(system.environment["FRESHRANK_BROKER"]) as group:
        wait_until(lambda: group.committed("interactions") >= stored, CAUGHT_UP_S, "the worker to start", pause_s=0.05)


def undisturbed(folder: Path) -> dict[str, UserActivity]:
    """What every user's features must be: one plain loop over all events in time order."""
    catalogue = read_table(folder, "items")
    items = [] if catalogue is None else list(messages(catalogue, Item))
    users = Users({item.item_id: item.categories for item in items})
    for position, event in enumerate(messages(interactions(folder), Interaction)):
        users.advance(position, event)
    return {user_id: user.activity for user_id, user in users.states.items()}


def differing(expected: dict[str, UserActivity], settings: StoreSettings) -> list[str]:
    """Users whose features in the online store are not the expected ones."""
    rows = OnlineRows(open_store(settings), user_activity).read(list(expected))
    return [
        user_id
        for user_id, activity in expected.items()
        if user_id not in rows or not same(activity, from_row(rows[user_id].values))
    ]


def same(one: UserActivity, other: UserActivity) -> bool:
    """Equal histories, and equal counters but for rounding."""
    return one.history == other.history and bool(np.allclose(one.counts, other.counts, rtol=1e-9))
