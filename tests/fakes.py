"""Ten-line stand-ins. Their contract is tested beside the real thing in tests/feature_repo/test_online.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feast import FeatureView

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


def as_logged(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row as a log gives them back: tuples are lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
