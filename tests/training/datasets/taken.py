"""Does the backfill take every row? Asked of the code that reads them there."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from streaming.columns import events
from streaming.events import Item, User
from streaming.history import messages


def rejected(folder: Path) -> list[str]:
    """The reasons for which rows of a folder would be left out."""
    reasons: list[str] = []
    interactions = pa.RecordBatch.from_pandas(pd.read_parquet(folder / "interactions.parquet"))
    events(interactions, 0, "interactions", lambda row, reason, fields: reasons.append(reason))
    for name, kind in (("items", Item), ("users", User)):
        table = pd.read_parquet(folder / f"{name}.parquet")
        list(messages(table, kind, lambda row, reason, fields: reasons.append(reason)))  # type: ignore[type-var]
    return reasons
