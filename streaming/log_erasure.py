"""An offline log, parquet parts or PostgreSQL -> the same without the rows of some entities, or some visits."""

from collections.abc import Mapping
from uuid import uuid4

from feature_repo.features import user_activity
from streaming import part_erasure
from streaming.offline_log import MERGES, OfflineLog
from streaming.part_erasure import STAMP, Report
from streaming.row_log import RowLog
from streaming.sql_log import SqlLog
from streaming.visits import Settle

UNFINISHED_S = 900.0  # a part that is being written for longer belongs to nobody


def erase(log: RowLog, table: str, column: str, until: Mapping[str, int], report: Report, at: str = STAMP) -> None:
    """Drop rows whose ``column`` is one of these and whose ``at`` is no later (stamps in epoch microseconds)."""
    if isinstance(log, OfflineLog):
        part_erasure.drop_unfinished(log.folder, UNFINISHED_S)
        part_erasure.erase(log.folder / table, column, until, report, at)
    elif isinstance(log, SqlLog):
        report("", log.erase(table, column, until, at))


def erase_visits(log: RowLog, void: Mapping[str, int], settle: Settle, report: Report) -> None:
    """Take visits of these items, up to their times (epoch milliseconds), out of the histories.

    Before some are written anew ``settle`` hears whose they are; where it raises, they stay as they are.
    """
    if isinstance(log, OfflineLog):
        part_erasure.erase_visits(log.folder / user_activity.name, void, settle, report)
    elif isinstance(log, SqlLog):
        log.erase_visits(void, settle, lambda rows: report(uuid4().hex, rows))  # each some rows of their own


def sessions(log: RowLog, users: Mapping[str, int]) -> set[tuple[str, str]]:
    """These users, each with the sessions that were merged into them up to their stamps."""
    if isinstance(log, OfflineLog):
        return part_erasure.pairs(log.folder / MERGES, "user_id", users, "session")
    return log.pairs(MERGES, "user_id", users, "session") if isinstance(log, SqlLog) else set()
