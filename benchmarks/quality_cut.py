"""A folder of tables -> where it is cut into what is learned, what chooses the model and what is tested."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import feature_repo.lean_feast  # noqa: F401

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.features import VIEWS

SHARE = "0.8"  # of all events, in time, where dataset.json does not say otherwise
TABLES = ("items", "users", "interactions")


class NoTables(Exception):
    """A folder without what is needed, with what to do about it."""


@dataclass(frozen=True)
class Cut:
    """Where the training labels end, and which share of them, the newest, is the validation window."""

    name: str
    until: str  # a share of all events, or an ISO 8601 time
    validation: float | None  # None leaves it to the snapshot
    protocol: str


def cut_of(data: Path, actions: Sequence[str]) -> Cut:
    """The cut that the folder's ``dataset.json`` gives; ``actions`` are those that count as labels. Raises NoTables."""
    if not (data / "interactions.parquet").exists():
        raise NoTables(f"{data} has no interactions.parquet: python -m training.datasets writes the tables")
    path = data / "dataset.json"
    about = json.loads(path.read_text()) if path.exists() else {}
    until, begin = str(about.get("until", SHARE)), about.get("validation_from")
    share = _share(data, milliseconds(begin), milliseconds(until), actions) if begin else None
    return Cut(about.get("name", data.name), until, share, about.get("protocol", "streaming"))


def milliseconds(when: str) -> int:
    """ISO 8601 as epoch milliseconds."""
    return round(datetime.fromisoformat(when).timestamp() * 1000)


def _share(data: Path, begin: int, until: int, actions: Sequence[str]) -> float:
    """The share of the labels up to ``until`` that are not before ``begin``."""
    table = pq.read_table(data / "interactions.parquet", columns=["action", "timestamp"])
    times = table.filter(pc.is_in(table["action"], pa.array(list(actions))))["timestamp"].to_numpy()
    labels = times[times <= until]
    if not len(labels):
        raise NoTables(f"{data}/interactions.parquet has no {', '.join(actions)} until its cut: nothing to learn")
    return float((labels >= begin).mean())


def identity(data: Path) -> str:
    """What tells a history from others, from itself written anew, and from what other definitions make of it."""
    paths = [path for name in TABLES if (path := data / f"{name}.parquet").exists()]
    files = {str(path.resolve()): [path.stat().st_size, path.stat().st_mtime_ns] for path in paths}
    views = {view.name: sorted(f"{field.name}: {field.dtype}" for field in view.schema) for view in VIEWS}
    return json.dumps([files, views], sort_keys=True)
