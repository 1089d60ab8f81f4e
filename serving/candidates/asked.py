"""Who asks for candidates, and what the sources look into."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

from feature_repo.item_table import ItemTable
from feature_repo.neighbours import Neighbours
from serving.candidates.lists import Lists
from serving.candidates.met import Met
from serving.candidates.nearest import Nearest

Array = npt.NDArray[Any]


class Within(NamedTuple):
    """What sources look into: kept current in the background, read by every request."""

    table: ItemTable
    nearest: Nearest
    lists: Lists
    neighbours: Neighbours | None  # the nearest items of each item, where the model's bundle has them


@dataclass(frozen=True)
class Asked:
    """One user's question."""

    within: Within
    met: Met
    now_ms: int
    user: Array | None = None  # [VECTOR_SIZE] the direction of what suits them; None where nothing is known of them
    query: Array | None = None  # [VECTOR_SIZE] of what the user typed


class Source(Protocol):
    """A small file each."""

    @property
    def NAME(self) -> str: ...  # in settings and answers

    @property
    def SEARCHES(self) -> bool: ...  # whether it looks through the vectors, which takes long in a large catalogue

    def find(self, asked: Asked, count: int) -> Array:
        """Up to ``count`` rows of the item table, the best first."""
        ...
