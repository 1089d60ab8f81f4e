"""Partitions change hands while the old owner holds a batch: whatever it writes later, nothing is lost or doubled."""

import random
import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.ledger import REMEMBERED
from tests.streaming.crashing import Broker, Stores, Worker, partitioned
from tests.streaming.test_exactness import CATEGORIES, check, clean, disordered, drawn, kept, repeated


class Turn(NamedTuple):
    """A worker owns the partitions for some batches and is then frozen with one more in its hands."""

    batches: int
    size: int
    commits: bool
    wakes_after: int  # turns of others, before it writes what it holds and goes on with what it had buffered


turns = st.lists(
    st.builds(Turn, st.integers(0, 3), st.integers(1, 60), st.booleans(), st.integers(0, 3)), min_size=1, max_size=8
)


class Zombie:
    """A worker that does not know yet that its partitions are another's."""

    def __init__(self, worker: Worker, turn: Turn, now: int) -> None:
        self._worker, self._turn, self.wakes_at = worker, turn, now + turn.wakes_after
        self._held, self._held_items = worker.take(turn.size), worker.take_items(turn.size)

    def wake(self) -> None:
        """Write what it holds, then one more batch with the rows it remembers, then notice."""
        self._worker.finish(*self._held, self._turn.commits)  # a lenient broker takes even its commits
        self._worker.finish_items(*self._held_items, self._turn.commits)
        self._worker.step(self._turn.size, False)


def change_hands(broker: Broker, stores: Stores, script: list[Turn]) -> None:
    """One owner after another, each frozen with a batch in its hands; the last one works to the end."""
    zombies: list[Zombie] = []
    for now, turn in enumerate(script):
        owner = Worker(broker, stores)
        for _ in range(turn.batches):
            owner.step(turn.size, turn.commits)
        zombies.append(Zombie(owner, turn, now))
        for zombie in [each for each in zombies if each.wakes_at <= now]:
            zombies.remove(zombie)
            zombie.wake()
    owner = Worker(broker, stores)
    while zombies or not owner.done():
        owner.step(20, True)
        if zombies:
            zombies.pop().wake()


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 300), turns)
def test_an_old_owner_that_wakes_up_changes_nothing(seed: int, count: int, script: list[Turn]) -> None:
    chance = random.Random(seed)
    events = drawn(chance, count)
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(Path(folder), CATEGORIES)
        broker = Broker(partitioned(repeated(chance, disordered(chance, events), REMEMBERED)))
        change_hands(broker, stores, script)
        for mine, theirs in zip(kept(stores), clean(events), strict=True):
            check(mine, theirs)
