"""What goes wrong, one thing after another, drawn from a seed."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

from deploy.laptop.system import System
from tests.chaos.workers import Workers

MOST_WORKERS = 4
Say = Callable[[str], None]
Harm = Literal[
    "kill", "kill_two", "join", "freeze", "restart_store", "kill_store", "freeze_store", "kill_at_standstill"
]
WEIGHTS: dict[Harm, int] = {
    "kill": 6,
    "kill_two": 1,
    "join": 2,
    "freeze": 3,
    "restart_store": 2,
    "kill_store": 2,
    "freeze_store": 2,
    "kill_at_standstill": 2,
}


def drawn(seed: int) -> Iterator[Harm]:
    """Harm without end."""
    chance = random.Random(seed)
    while True:
        yield chance.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]


class Upheaval:
    """Does harm to a running system and counts it."""

    def __init__(self, system: System, workers: Workers, seed: int, say: Say) -> None:
        self._system, self._workers, self._say = system, workers, say
        self._chance = random.Random(seed)
        self._session_s = float(system.environment["FRESHRANK_SESSION_TIMEOUT_S"])
        self.done: Counter[str] = Counter()

    def strike(self, harm: Harm) -> None:
        """One thing goes wrong; returns when it is over (a killed worker has its successor)."""
        getattr(self, harm)()

    def kill(self) -> None:
        """A worker dies by SIGKILL; another one comes a moment later."""
        number = self._any()
        self._say(f"worker {number} dies by SIGKILL")
        self._workers.kill(number)
        self.done["workers killed"] += 1
        self._wait(0, 3)
        self._workers.start()

    def kill_two(self) -> None:
        """Two deaths in a row, the second while the group still makes up for the first."""
        self.kill()
        self._wait(0, self._session_s)
        self.kill()

    def join(self) -> None:
        """One more worker, or where there are many, one less: either way the partitions are shared out anew."""
        if len(self._workers.running) < MOST_WORKERS:
            self._say(f"worker {self._workers.start()} joins")
            self.done["workers joined"] += 1
        else:
            self.kill()

    def freeze(self) -> None:
        """A worker sleeps through its session and then goes on with what it holds: a zombie."""
        number = self._any()
        seconds = self._chance.uniform(1.5, 3) * self._session_s
        self._say(f"worker {number} freezes for {seconds:.1f} s (its session ends after {self._session_s:.0f} s)")
        self._workers.freeze(number)
        time.sleep(seconds)
        self._workers.thaw(number)
        self.done["workers frozen beyond their session"] += 1

    def restart_store(self) -> None:
        """The online store is restarted in good order."""
        self._store("is restarted", signal.SIGTERM)
        self.done["store restarts"] += 1

    def kill_store(self) -> None:
        """The online store dies and comes back."""
        self._store("dies by SIGKILL", signal.SIGKILL)
        self.done["store kills"] += 1

    def freeze_store(self) -> None:
        """The online store answers nobody for a while."""
        seconds = self._chance.uniform(1, 8)
        self._say(f"the online store freezes for {seconds:.1f} s")
        process = self._system.processes["online-store"]
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        self.done["store freezes"] += 1

    def kill_at_standstill(self) -> None:
        """A worker dies while the store is frozen: the others keep their batches, and lose their partitions."""
        self._say("the online store freezes, and then")
        process = self._system.processes["online-store"]
        process.send_signal(signal.SIGSTOP)
        self._wait(0, 1)
        self.kill()
        self._wait(1, 3 * self._session_s)
        process.send_signal(signal.SIGCONT)
        self.done["workers killed while the store was frozen"] += 1

    def _store(self, what: str, number: signal.Signals) -> None:
        self._say(f"the online store {what}")
        self._system.kill("online-store", number)
        self._wait(0, 3)
        self._system.start("online-store")

    def _any(self) -> int:
        return self._chance.choice(sorted(self._workers.running))

    def _wait(self, least: float, most: float) -> None:
        time.sleep(self._chance.uniform(least, most))
