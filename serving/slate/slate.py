"""What stages work on: candidates in the order they would be shown, and what is known beside them."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from serving.slate.columns import Columns
from serving.slate.expression import Expression

Array = npt.NDArray[Any]


class Slate(NamedTuple):
    """Some of N candidates, best first: their places among the N, and what they count for."""

    places: Array  # [n] int64, each below N and there once
    scores: Array  # [n] float64

    def keep(self, mask: Array) -> "Slate":
        """The same without those where the mask [n] is False."""
        return self if mask.all() else Slate(self.places[mask], self.scores[mask])

    def reorder(self, order: Any) -> "Slate":
        """The same in another order; ``order`` holds positions, and what it does not hold is dropped."""
        order = np.asarray(order, np.int64)
        return Slate(self.places[order], self.scores[order])

    def rescore(self, added: Array) -> "Slate":
        """The same with something added to the scores, and in their order; equal ones stay as they are."""
        slate = Slate(self.places, self.scores + added)
        return slate.reorder(np.argsort(-slate.scores, kind="stable"))


class Served(NamedTuple):
    """What was served to somebody lately, oldest first; an item stands there as often as it was served."""

    rows: Array  # [m] of the item table
    at: Array  # [m] epoch milliseconds


NOTHING_SERVED = Served(np.zeros(0, np.int64), np.zeros(0, np.int64))


class Given(msgspec.Struct, frozen=True):
    """What is known when a slate is made; nobody writes to it."""

    table: ItemTable
    rows: Array  # [N] of the candidates in the table
    now_ms: int
    k: int  # items on one page
    offset: int = 0
    filter: Expression | None = None
    exclude: Collection[str] = ()
    diversity: float | None = None  # 0 to 1; None leaves it to the surface
    activity: Mapping[str, Any] = {}  # the user's row of ``user_activity``
    served: Served = NOTHING_SERVED

    @property
    def end(self) -> int:
        """How many places are answered, the skipped ones among them."""
        return self.offset + self.k

    def of(self, slate: Slate) -> Array:
        """Rows [n] of the table."""
        rows: Array = self.rows[slate.places]
        return rows

    def column(self, slate: Slate, name: str) -> Array:
        """One column of the table for what is on the slate."""
        column: Array = self.table.column(name)[self.of(slate)]
        return column

    def columns(self, slate: Slate) -> Columns:
        """What an expression asks."""
        return Columns(self.table, self.of(slate), self.now_ms)


Phase = Literal["drop", "score", "order", "pin"]


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="stage"):
    """Settings of one stage, as slate.yaml has them; a stage of a later phase would be undone by one of an earlier."""

    phase: ClassVar[Phase]


def by_score(scores: Array) -> Slate:
    """All candidates by falling score [N]; equal scores keep their order."""
    order = (-scores).argsort(kind="stable")
    return Slate(order, scores.take(order).astype(np.float64))


def among(rows: Array, wanted: Collection[int]) -> Array:
    """Which of these rows [n] are wanted ones."""
    return np.fromiter((row in wanted for row in rows.tolist()), bool, len(rows))
