"""An offline log, parquet parts or PostgreSQL -> the same without the rows of some entities."""

from collections.abc import Mapping

from streaming import part_erasure
from streaming.offline_log import MERGES, OfflineLog
from streaming.part_erasure import Report
from streaming.row_log import RowLog
from streaming.sql_log import SqlLog

UNFINISHED_S = 900.0  # a part that is being written for longer belongs to nobody


def erase(log: RowLog, table: str, column: str, until: Mapping[str, int], report: Report) -> None:
    """Drop rows whose ``column`` is one of these and that are stamped no later (epoch microseconds)."""
    if isinstance(log, OfflineLog):
        part_erasure.drop_unfinished(log.folder, UNFINISHED_S)
        part_erasure.erase(log.folder / table, column, until, report)
    elif isinstance(log, SqlLog):
        report("", log.erase(table, column, until))


def sessions(log: RowLog, users: Mapping[str, int]) -> set[tuple[str, str]]:
    """These users, each with the sessions that were merged into them up to their stamps."""
    if isinstance(log, OfflineLog):
        return part_erasure.pairs(log.folder / MERGES, "user_id", users, "session")
    return log.pairs(MERGES, "user_id", users, "session") if isinstance(log, SqlLog) else set()
