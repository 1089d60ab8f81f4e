"""A snapshot -> proof that no label saw a row written at its own time or later.

Feast does not return the time of the rows it joined. They are recovered from their content: a row of the log with the
same entity and values. Every event changes the counters, so their content names the row; where several rows are equal
the earliest counts, since the others brought nothing that was not known by then.

Items' contents are as of the cutoff, not of each label: an item has one vector, the one that it is served with.
"""

from pathlib import Path
from typing import NamedTuple

import duckdb

from feature_repo.inputs import feature_names
from feature_repo.settings import StoreSettings
from training.log import query


class Joined(NamedTuple):
    """One view in one file of a snapshot."""

    file: str
    view: str
    entity: str
    content: tuple[str, ...]  # the columns that tell rows of one entity apart
    latest: str = "<"  # how a row's stamp has to compare with ``event_timestamp``


def _activity(file: str, scope: str) -> Joined:
    content = (f"{scope}_activity_at", f"{scope}_actions_1h", f"{scope}_actions_7d")
    return Joined(file, f"{scope}_activity", f"{scope}_id", content)


JOINED = (
    Joined("labels", "user_profile", "user_id", feature_names("user_profile")),
    _activity("labels", "user"),
    Joined("items", "item_content", "item_id", feature_names("item_content"), "<="),
    _activity("candidates", "item"),
)


class LeakError(Exception):
    """A label that saw its own future."""


def check_no_leak(snapshot: Path, settings: StoreSettings) -> int:
    """The number of joined rows checked; raises LeakError when one is not strictly older than its label.

    ``snapshot`` holds ``labels.parquet`` and ``candidates.parquet``, whose ``event_timestamp`` is that of the decision,
    and ``items.parquet``, whose ``event_timestamp`` is the cutoff: a row may be as new as that.
    """
    return sum(_check(snapshot / f"{joined.file}.parquet", joined, settings) for joined in JOINED)


def _check(path: Path, joined: Joined, settings: StoreSettings) -> int:
    content = ", ".join((joined.entity, *joined.content))
    written = f"SELECT {content}, min(event_timestamp) AS stamp FROM {{log}} GROUP BY {content}"
    log = query(settings, joined.view, written)
    same = " AND ".join(f"seen.{name} IS NOT DISTINCT FROM log.{name}" for name in (joined.entity, *joined.content))
    known = " OR ".join(f"{name} IS NOT NULL" for name in joined.content)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("log", log)
        seen = f"SELECT {content}, event_timestamp FROM read_parquet('{path}') WHERE {known}"
        row = connection.execute(
            f"""SELECT count(*), count(stamp), count(*) FILTER (NOT stamp {joined.latest} event_timestamp),
            max(stamp - event_timestamp) FROM ({seen}) seen LEFT JOIN log ON {same}"""
        ).fetchone()
    rows, found, leaked, worst = row or (0, 0, 0, None)
    if leaked:
        raise LeakError(
            f"{leaked} of {rows} {joined.view} rows in {path} are not older than their label (worst: {worst})"
        )
    if found < rows:
        raise LeakError(f"{rows - found} of {rows} {joined.view} rows in {path} are not in the offline log")
    return int(rows)
