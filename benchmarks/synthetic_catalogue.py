"""A catalogue of any size in memory: vectors in clusters, as those of trained models are, counters with a long tail."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from feature_repo.neighbours import KINDS, Neighbours
from feature_repo.vocabulary import ACTIONS, HISTORY_LENGTH, VECTOR_SIZE
from serving.candidates.met import Met

Array = npt.NDArray[Any]
ITEMS_A_CLUSTER = 250
SPREAD = 0.7  # of a cluster, beside centres that are one apart
LISTED = 16  # a trained model has 100: more memory, hardly more time for the sources
DAY = 86_400_000  # milliseconds


def table_of(items: int, now_ms: int, seed: int = 0) -> ItemTable:
    """An item table with vectors, titles, counters and days of publication."""
    random, table = np.random.default_rng(seed), ItemTable()
    table.replace_vectors([f"item-{place}" for place in range(items)], vectors(items, random), 1)
    table.titles[:] = [f"Title {place} of {place % 1000}" for place in range(items)]
    table.column("item_content_stamp")[:] = 1
    table.column("item_published_at")[:] = now_ms - (random.random(items) * 3000 * DAY).astype(np.int64)
    table.column("item_activity_at")[:] = now_ms - (random.random(items) * DAY).astype(np.int64)
    demand = random.pareto(1.2, (items, len(ACTIONS)))
    for window, scale in (("1h", 0.01), ("1d", 0.2), ("7d", 1.0)):
        table.column(f"item_actions_{window}")[:] = demand * scale * random.random((items, 1))
    return table


def vectors(items: int, random: np.random.Generator) -> Array:
    """[items, VECTOR_SIZE] around the centres of clusters."""
    centres = random.normal(size=(max(items // ITEMS_A_CLUSTER, 1), VECTOR_SIZE)).astype(np.float32)
    noise = random.normal(0, SPREAD, (items, VECTOR_SIZE)).astype(np.float32)
    return np.asarray(centres[random.integers(0, len(centres), items)] + noise)


def lists_of(items: int, seed: int = 2, listed: int = LISTED) -> Neighbours:
    """Nearest items of each item, ``listed`` of each kind, drawn from all."""
    random = np.random.default_rng(seed)
    shape = (len(KINDS), items, listed)
    return Neighbours(random.integers(0, items, shape, np.int32), random.random(shape, np.float32))


def histories(items: int, now_ms: int, seed: int = 1) -> Iterator[Met]:
    """Histories of users who met anything, one after the other."""
    random = np.random.default_rng(seed)
    while True:
        timestamps = now_ms - np.arange(HISTORY_LENGTH, 0, -1) * 60_000
        yield Met(random.integers(0, items, HISTORY_LENGTH), random.integers(2, 7, HISTORY_LENGTH), timestamps)
