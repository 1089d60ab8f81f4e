"""``--until`` and a history's times -> where it is cut."""

from typing import Any

import pandas as pd

from streaming.events import InvalidEvent, epoch_ms


def cut(table: pd.DataFrame, until: str | None) -> pd.DataFrame:
    """The events at or before ``until``: an ISO 8601 time, or a share of all times between 0 and 1."""
    latest = last_moment(table["timestamp"].to_numpy(), until)
    return table if latest is None else table[table["timestamp"] <= latest]


def last_moment(times: Any, until: str | None) -> float | None:
    """Epoch milliseconds that ``until`` means among these times; None for no limit."""
    if until is None:
        return None
    try:
        share = float(until)
    except ValueError:
        return epoch_ms(until, 0, "--until")
    if not 0 < share <= 1:
        raise InvalidEvent(f"--until {until} is neither an ISO 8601 time nor a share between 0 and 1")
    return float(pd.Series(times).quantile(share)) if len(times) else None
