"""The stages of a surface that drop items -> which rows may be candidates at all.

What they would drop later is not scored in vain, and a page does not get short for it. A dry run is told of it all the
same: what was kept from the candidates stands with the stage that did.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from serving.slate.run import Change, apply, trace
from serving.slate.served import NotServed
from serving.slate.slate import Given, Slate
from serving.slating import Plan

Array = npt.NDArray[Any]
TOLD = 10_000  # rows looked at, at most, that a dry run is told of: not of all that a filter shuts out


class Acceptance:
    """Rows [n] of the table -> which have a vector, are not hidden or excluded, and pass these stages [n].

    What was served lately passes: that stage looks at a whole page.
    """

    def __init__(self, planned: Plan, table: ItemTable, activity: Mapping[str, Any], now_ms: int) -> None:
        self._planned, self._table, self._activity, self._now_ms = planned, table, activity, now_ms
        dropping = enumerate(planned.stages)
        stages = [(place, each) for place, each in dropping if each.phase == "drop" and not isinstance(each, NotServed)]
        self._places, self._stages = [place for place, _ in stages], [stage for _, stage in stages]
        self._excluded = table.rows(planned.exclude)
        self._dropped: dict[int, dict[str, None]] = {}

    def __call__(self, rows: Array) -> Array:
        accepted = self._table.rankable(rows)
        if len(self._excluded):
            accepted &= ~np.isin(rows, self._excluded)
        passed = np.zeros(len(rows), bool)
        passed[self._pass(rows)] = True
        return np.asarray(accepted & passed)

    def told(self, changes: Sequence[Change]) -> list[Change]:
        """Changes of all stages of the plan, with what these kept from the candidates."""
        return [
            msgspec.structs.replace(change, dropped=[*self._dropped.get(place, ()), *change.dropped])
            for place, change in enumerate(changes)
        ]

    def _pass(self, rows: Array) -> Array:
        planned, slate = self._planned, Slate(np.arange(len(rows)), np.zeros(len(rows)))
        told = planned.exclude if planned.traced else ()  # else excluded items are left out without this stage
        given = Given(self._table, rows, self._now_ms, len(rows), 0, planned.filter, told, activity=self._activity)
        if not planned.traced or len(rows) > TOLD:
            passed: Array = apply(self._stages, slate, given).places
            return passed
        left, changes = trace(self._stages, slate, given)
        for place, change in zip(self._places, changes, strict=True):
            self._dropped.setdefault(place, {}).update(dict.fromkeys(change.dropped))
        return left.places
