"""Ten-line stand-ins. Their contract is tested beside the real thing in tests/feature_repo/test_online.py."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from feast import FeatureView

from feature_repo.erasure import Mark, Task
from feature_repo.online import Row


@dataclass
class MemoryRows:
    """OnlineRows without a store."""

    view: FeatureView
    rows: dict[str, Row] = field(default_factory=dict)

    def write(self, rows: Sequence[Row], **in_all: Any) -> None:
        for row in rows:
            stored = self.rows.get(row.entity_id)
            if stored is None or row.stamp > stored.stamp:
                self.rows[row.entity_id] = row._replace(values={**row.values, **in_all})

    def read(self, entity_ids: Sequence[str], names: Sequence[str] | None = None) -> dict[str, Row]:
        wanted = names or [each.name for each in self.view.features]
        found = [self.rows[entity_id] for entity_id in entity_ids if entity_id in self.rows]
        return {row.entity_id: row._replace(values={name: row.values.get(name) for name in wanted}) for row in found}

    def erase(self, until: Mapping[str, int]) -> set[str]:
        gone = {each for each, stamp in until.items() if each in self.rows and self.rows[each].stamp <= stamp}
        for entity_id in gone:
            del self.rows[entity_id]
        return gone

    def unserve(self, item_ids: Set[str]) -> Mapping[str, int]:
        """Nothing is served here."""
        return {}


@dataclass
class MemoryErasures:
    """Erasures without tables: the marks, and how many rows of what were removed."""

    known: dict[tuple[str, str], Mark] = field(default_factory=dict)
    tasks: set[tuple[str, str]] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)

    def marks(self, view: str, entity_ids: Iterable[str]) -> dict[str, Mark]:
        return {each: self.known[view, each] for each in entity_ids if (view, each) in self.known}

    def begin(self, receipt_id: str, kind: str, entity_id: str, found: Iterable[Task]) -> None:
        self.tasks |= {(task.view, task.entity_id) for task in found}

    def reach(self, reached: Iterable[tuple[Task, Mark]]) -> None:
        for task, mark in reached:
            self.known[task.view, task.entity_id] = max(mark, self.known.get((task.view, task.entity_id), mark))

    def removed(self, task: Task, store: str, rows: int, place: str = "") -> None:
        self.rows[store] = self.rows.get(store, 0) + rows

    def refresh(self) -> None:
        """Nobody else sets marks."""


def as_logged(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row as a log gives them back: tuples are lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
