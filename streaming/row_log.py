"""settings -> the offline log they name: parquet parts on a laptop, PostgreSQL in production."""

from collections.abc import Sequence
from typing import Protocol

from feature_repo.online import Row
from feature_repo.settings import StoreSettings
from streaming.offline_log import OfflineLog
from streaming.sql_log import SqlLog


class RowLog(Protocol):
    """Where rows are appended; its text says where it is."""

    def append(self, table: str, part: str, rows: Sequence[Row]) -> None:
        """Write the rows, all or none of them."""

    def clear(self) -> None:
        """Drop every row."""

    def is_empty(self) -> bool:
        """Whether no table has a row."""


def open_log(settings: StoreSettings) -> RowLog:
    """The offline log of these settings, with its folders or tables."""
    if settings.offline_store == "postgres":
        return SqlLog(settings.postgres_url)
    return OfflineLog(settings.data_dir.resolve() / "offline")
