"""MovieLens-100k -> the demo's events: as if its seven months had ended this week, every rating a click."""

import time
from pathlib import Path

import pandas as pd

WEEK_MS = 7 * 86_400_000
SHARE = 0.8  # of all events, in time: history; the rest is played live


def prepare(source: Path, target: Path) -> int:
    """Write the three tables, moved by whole weeks (hours and weekdays stay true); returns the number of weeks."""
    target.mkdir(parents=True, exist_ok=True)
    interactions = pd.read_parquet(source / "interactions.parquet")
    weeks = (time.time_ns() // 1_000_000 - int(interactions["timestamp"].max())) // WEEK_MS
    moved = {"timestamp": interactions["timestamp"] + weeks * WEEK_MS, "action": "click"}
    interactions.assign(**moved).to_parquet(target / "interactions.parquet")
    items = pd.read_parquet(source / "items.parquet")
    items.assign(published_at=items["published_at"] + weeks * WEEK_MS).to_parquet(target / "items.parquet")
    pd.read_parquet(source / "users.parquet").to_parquet(target / "users.parquet")
    return int(weeks)
