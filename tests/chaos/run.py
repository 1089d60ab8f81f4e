"""A plan, a system and things that go wrong -> a report of what differs in the end."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.lag import offsets
from streaming.producer import EventProducer
from streaming.replay import letters, replay
from tests.chaos import verdict
from tests.chaos.plan import Plan
from tests.chaos.sender import Sender
from tests.chaos.upheaval import Harm, Say, Upheaval
from tests.chaos.workers import Workers

SESSION_S = 3.0  # the laptop's broker holds every join for half of it
CATCH_UP_S = 240.0


class Report(NamedTuple):
    """What happened and what differs; no difference means exactness."""

    plan: Plan
    done: Counter[str]
    stopped: int  # workers that stopped by themselves and were replaced
    replayed: int
    differences: list[str]


def environment(folder: Path) -> dict[str, str]:
    """The settings of the system that is harmed."""
    return free_environment(folder) | {
        "FRESHRANK_SESSION_TIMEOUT_S": str(SESSION_S),
        "FRESHRANK_COMMIT_INTERVAL_S": "0.5",
        "FRESHRANK_BATCH_SIZE": "1000",
        "FRESHRANK_COMPACT_EVERY_S": "15",
        "FRESHRANK_CACHED_ROWS": "500",  # fewer than there are users: rows are evicted and read again
    }


class Storm(NamedTuple):
    """What the system has to go through."""

    workers: int  # at the start
    rate: float  # messages a second
    calm: tuple[float, float]  # seconds between one harm and the next: least, most
    harms: Iterator[Harm]


def run(plan: Plan, folder: Path, storm: Storm, say: Say) -> Report:
    """Send the plan through the storm; returns what differs when all is stored."""
    with running(environment(folder), ["broker", "online-store"]) as system:
        crowd = Workers(system)
        try:
            for _ in range(storm.workers):
                crowd.start()
            return _harmed(plan, system, crowd, storm, say)
        finally:
            crowd.stop()


def _harmed(plan: Plan, system: System, crowd: Workers, storm: Storm, say: Say) -> Report:
    broker, chance = system.settings.broker, random.Random(plan.seed)
    store = open_store(StoreSettings(redis=system.settings.redis, data_dir=system.settings.data_dir))
    caught_up(crowd, system)
    with EventProducer(broker) as producer:
        for item in plan.items:
            producer.send(item)
    caught_up(crowd, system)
    sender, upheaval = Sender(broker, plan, storm.rate), Upheaval(system, crowd, plan.seed, say)
    sender.start()
    for harm in storm.harms:
        sender.join(chance.uniform(*storm.calm))
        crowd.replace()
        say(f"{sender.sent:,} of {len(plan.sent):,} sent; {len(crowd.running)} workers")
        if not sender.is_alive():
            break
        upheaval.strike(harm)
    sender.join()
    if sender.error:
        raise RuntimeError(sender.error)
    caught_up(crowd, system)
    found = letters(broker)
    off = verdict.letters_off(found, sender.places)
    back, wanted = replay(broker, found), sum(poison.goes_back for poison in plan.poison)
    off += [] if len(back) == wanted else [f"{len(back)} letters went back instead of {wanted}"]
    caught_up(crowd, system)
    events = [*plan.events, *(poison.lost for poison in plan.poison if poison.lost)]
    off += verdict.users_off(store, plan, events) + verdict.items_off(store, events)
    crowd.stop()  # who reads the log may not be overtaken by its compaction
    off += verdict.log_off(system.settings.data_dir / "offline", events)
    return Report(plan, upheaval.done, crowd.stopped_by_themselves, len(back), off)


def caught_up(crowd: Workers, system: System) -> None:
    """Return once the workers have stored everything that the broker has; those that stopped are replaced."""
    deadline = time.monotonic() + CATCH_UP_S
    topics = ("items", "users", "interactions", "interactions-by-item")
    _until(lambda: _ready(system), crowd, deadline)
    with offsets(system.settings.broker, topics) as group:
        _until(lambda: group.lag() == 0, crowd, deadline)


def _ready(system: System) -> bool:
    try:
        with offsets(system.settings.broker):
            return True
    except LookupError:  # no worker has created the topics yet
        return False


def _until(done: Callable[[], bool], crowd: Workers, deadline: float) -> None:
    while not done():
        crowd.replace()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the workers did not catch up within {CATCH_UP_S:.0f} s:\n{crowd.tails()}")
        time.sleep(0.2)


def summary(report: Report) -> str:
    """The report in plain words."""
    plan, poison = report.plan, len(report.plan.poison)
    lines = [
        f"seed {plan.seed}",
        f"{len(plan.events):,} events ({plan.late:,} late), {plan.duplicates:,} duplicates, {poison:,} poison messages",
        f"{len(plan.owners):,} sessions merged into users",
        *(f"{count} {what}" for what, count in sorted(report.done.items())),
        f"{report.stopped} workers that stopped by themselves and were replaced",
        f"{report.replayed} repaired messages put back by a replay",
        f"{len({event.key for event in plan.events}):,} users and "
        f"{len({event.item_id for event in plan.events}):,} items compared with a plain loop",
        f"differences = {len(report.differences)}",
        *(f"  {each}" for each in report.differences[: verdict.SHOWN]),
    ]
    return "\n".join(lines)


def say(text: str) -> None:
    """Progress, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
