"""How much memory does a worker take over a long replay of many users? Its resident set while it works off a backlog.

python -m tests.chaos.memory                              300,000 events of 100,000 users, 10,000 cached rows per view
python -m tests.chaos.memory --events 50000 --users 20000 --cached 50000
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import kafka  # noqa: F401  (before feast, see __main__)

from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from streaming.events import Interaction
from streaming.lag import offsets
from streaming.producer import EventProducer
from tests.chaos.plan import T

EVERY_S = 5.0


def backlog(events: int, users: int) -> Iterator[Interaction]:
    """Clicks of every user in turn, so that a cache which is smaller than the users never helps."""
    for number in range(events):
        user, item = f"u{number % users}", f"i{number % 997}"
        yield Interaction(event_id=f"e{number}", user_id=user, item_id=item, action="click", timestamp=T + number)


def resident_mb(pid: int) -> float:
    """Megabytes of a process that are in memory now."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def watch(system: System, events: int) -> Iterator[tuple[int, float]]:
    """(events stored, megabytes) every few seconds until the backlog is gone."""
    with offsets(system.settings.broker) as group:
        stored = 0
        while stored < events:
            time.sleep(EVERY_S)
            stored = group.committed("interactions")
            yield stored, resident_mb(system.pid("worker"))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--cached", type=int, default=10_000, help="FRESHRANK_CACHED_ROWS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="freshrank-memory-") as folder:
        environment = free_environment(Path(folder)) | {"FRESHRANK_CACHED_ROWS": str(options.cached)}
        with running(environment, ["broker", "online-store", "worker"]) as system:
            time.sleep(2 * EVERY_S)
            print(f"before the first event: {resident_mb(system.pid('worker')):.0f} MB", flush=True)
            with EventProducer(system.settings.broker) as producer:
                for event in backlog(options.events, options.users):
                    producer.send(event)
                producer.flush(60)
            for stored, megabytes in watch(system, options.events):
                print(f"{stored:>9,} events stored: {megabytes:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
