"""A snapshot -> proof that no label saw a row written at its own time or later.

Feast does not return the time of the rows it joined. They are recovered from their content: a row of the log with the
same entity, ``*_activity_at`` and counters. Every event changes the counters, so the content names the row; where
several rows are equal the earliest counts, since the others brought nothing that was not known by then.
"""

from pathlib import Path

import duckdb

from feature_repo.settings import StoreSettings
from training.log import query

KEYS = {"user": "user_activity", "item": "item_activity"}
JOINED = {"user": "labels", "item": "candidates"}


class LeakError(Exception):
    """A label that saw its own future."""


def check_no_leak(snapshot: Path, settings: StoreSettings) -> int:
    """The number of joined rows checked; raises LeakError when one is not strictly older than its label.

    ``snapshot`` holds ``labels.parquet`` and ``candidates.parquet``, whose ``event_timestamp`` is the label's stamp.
    """
    return sum(_check(snapshot / f"{JOINED[entity]}.parquet", entity, settings) for entity in KEYS)


def _check(joined: Path, entity: str, settings: StoreSettings) -> int:
    same = f"{entity}_id, {entity}_activity_at AS newest, {entity}_actions_1h AS short, {entity}_actions_7d AS long"
    written = f"SELECT {same}, min(event_timestamp) AS stamp FROM {{log}} GROUP BY 1, 2, 3, 4"
    log = query(settings, KEYS[entity], written)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("log", log)
        seen = f"SELECT {same}, event_timestamp FROM read_parquet('{joined}') WHERE {entity}_activity_at IS NOT NULL"
        row = connection.execute(
            f"""SELECT count(*), count(stamp), count(*) FILTER (stamp >= event_timestamp), max(stamp - event_timestamp)
            FROM ({seen}) LEFT JOIN log USING ({entity}_id, newest, short, long)"""
        ).fetchone()
    rows, found, leaked, worst = row or (0, 0, 0, None)
    if leaked:
        raise LeakError(
            f"{leaked} of {rows} {KEYS[entity]} rows in {joined} are not older than their label (worst: {worst})"
        )
    if found < rows:
        raise LeakError(f"{rows - found} of {rows} {KEYS[entity]} rows in {joined} are not in the offline log")
    return int(rows)
