"""The tables of a data set -> a folder that ``streaming.backfill`` reads, with ``dataset.json`` beside them.

``dataset.json`` says what the tables are and where they are cut: name, until, validation_from, protocol, source,
terms, rows and, so that a second run has nothing to do, what they were made of.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

TABLES = ("items", "users", "interactions")
ABOUT = "dataset.json"


class DatasetError(Exception):
    """A data set that cannot be had or is not what it should be."""


@dataclass(frozen=True)
class About:
    """What a data set is, and where it is cut."""

    name: str
    source: str  # where it is from
    terms: str  # what its owners allow
    until: str = "0.8"  # end of the training labels: a share of all events, or an ISO 8601 time (both inclusive)
    validation_from: str | None = None  # ISO 8601 time of the first label of the validation window; None: a share
    protocol: Literal["streaming", "leave-one-out"] = "streaming"


def moment(ms: int) -> str:
    """Epoch milliseconds as ISO 8601."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def needed(folder: Path, *names: str) -> list[Path]:
    """Files of a folder; raises DatasetError naming those that are missing."""
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise DatasetError(
            f"{folder} has no {' and no '.join(missing)}: --from names the folder with {', '.join(names)}"
        )
    return [folder / name for name in names]


def check_columns(table: pd.DataFrame, columns: Sequence[str], path: Path) -> pd.DataFrame:
    """The table; raises DatasetError naming the columns it lacks."""
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise DatasetError(f"{path} has no column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    return table


def made_of(files: Sequence[Path], **options: Any) -> dict[str, Any]:
    """What tells tables from those of other files, of the same files once they changed, or of other options."""
    stats = {str(path.resolve()): path.stat() for path in files}
    return {"files": {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}, "options": options}


def is_complete(to: Path, made: Mapping[str, Any]) -> bool:
    """Whether the folder has tables made of just this; says so."""
    if not (to / ABOUT).exists() or json.loads((to / ABOUT).read_text()).get("made_of") != made:
        return False
    print(f"{to} is complete: nothing to do")
    return True


def write(to: Path, tables: Mapping[str, pd.DataFrame], about: About, made: Mapping[str, Any]) -> None:
    """Write the tables, each by one rename, then ``dataset.json``: a folder that has it is complete."""
    to.mkdir(parents=True, exist_ok=True)
    (to / ABOUT).unlink(missing_ok=True)
    for name, table in tables.items():
        table.to_parquet(to / f".{name}.parquet", index=False)
        (to / f".{name}.parquet").replace(to / f"{name}.parquet")
        print(f"{to / name}.parquet: {len(table):,} rows")
    write_about(to, about, made, {name: len(table) for name, table in tables.items()})


def write_about(to: Path, about: About, made: Mapping[str, Any], rows: Mapping[str, int]) -> None:
    """Write ``dataset.json``."""
    known = {**asdict(about), "rows": rows, "made_of": made}
    (to / f".{ABOUT}").write_text(json.dumps(known, indent=1) + "\n")
    (to / f".{ABOUT}").replace(to / ABOUT)
