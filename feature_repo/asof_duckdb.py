"""Feast's DuckDB store with a point-in-time join whose cost grows with the rows, not with their pairs.

Feast pairs every row asked with every earlier row of its entity and keeps the newest; asof_sql.py sorts both sides
once. The answer is Feast's own, row by row, and in the order asked. In parts that were written before a feature was
defined, it reads as missing.
"""

from collections.abc import Sequence
from glob import glob
from typing import Any, Literal, NamedTuple

import feature_repo.lean_feast  # noqa: F401

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
from feast import FeatureView, FileSource
from feast.data_format import ParquetFormat
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig, _write_data_source
from feast.infra.offline_stores.ibis import IbisRetrievalJob, _get_entity_df_event_timestamp_range, _to_utc
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import RepoConfig

from feature_repo.asof_sql import ROW, Join, query, quoted, text

_PATH = "feature_repo.asof_duckdb.AsofDuckDBOfflineStore"


class AsofDuckDBOfflineStoreConfig(DuckDBOfflineStoreConfig):  # type: ignore[misc]
    """Feast finds it by its name; the settings are those of Feast's DuckDB store."""

    type: Literal["feature_repo.asof_duckdb.AsofDuckDBOfflineStore"] = _PATH  # type: ignore[assignment]


class AsofDuckDBOfflineStore(DuckDBOfflineStore):  # type: ignore[misc]
    """Feast's DuckDB store; rows asked of parquet files on disk are joined in linear time, all else as Feast does."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
    ) -> RetrievalJob:
        """The rows of ``entity_df``, in their order, with the newest features at or before each one's time."""
        computed = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        if computed or not isinstance(entity_df, pd.DataFrame) or not all(map(_plain, feature_views)):
            return DuckDBOfflineStore.get_historical_features(
                config,
                feature_views,
                feature_refs,
                entity_df,
                registry,
                project,
                full_feature_names,
                filter_by_created_timestamp,
            )
        stamp = infer_event_timestamp_from_entity_df(dict(entity_df.dtypes))
        first, last = _get_entity_df_event_timestamp_range(entity_df, stamp)
        asked = _to_utc(entity_df.copy(deep=False), stamp)
        joins = [_join(view, feature_refs, full_feature_names) for view in feature_views]
        return IbisRetrievalJob(
            _Answer(asked, query(list(asked.columns), stamp, joins, filter_by_created_timestamp)),
            [],
            full_feature_names,
            metadata=RetrievalMetadata(feature_refs, list(set(asked.columns) - {stamp}), first, last),
            data_source_writer=_write_data_source,
            staging_location=config.offline_store.staging_location,
            staging_location_endpoint_override=config.offline_store.staging_location_endpoint_override,
            repo_path=str(config.repo_path),
        )


class _Answer(NamedTuple):
    """What Feast's job needs of a table; the connection lives no longer than an answer takes."""

    asked: pd.DataFrame
    sql: str

    def to_pyarrow(self) -> pa.Table:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("asked", self.asked.assign(**{ROW: range(len(self.asked))}))
            return connection.sql(self.sql).to_arrow_table()

    def execute(self) -> pd.DataFrame:
        return ibis.memtable(self.to_pyarrow()).execute()

    def to_delta(self, *arguments: Any, **options: Any) -> None:
        ibis.memtable(self.to_pyarrow()).to_delta(*arguments, **options)


def _plain(view: FeatureView) -> bool:
    """Whether a view is of parquet files on disk, with entities and with the columns as they are called there."""
    source = view.batch_source
    return (
        isinstance(source, FileSource)
        and (isinstance(source.file_format, ParquetFormat) or source.path.endswith(".parquet"))
        and "://" not in source.path
        and not source.field_mapping
        and bool(view.entity_columns)
    )


def _join(view: FeatureView, feature_refs: Sequence[str], full_names: bool) -> Join:
    source, projection = view.batch_source, view.projection
    prefix = f"{projection.name_alias or view.name}__" if full_names else ""
    wanted = [ref.split(":")[1] for ref in feature_refs if ref.startswith(f"{projection.name_to_use()}:")]
    keys = projection.join_key_map or {each.name: each.name for each in view.entity_columns}
    # Listed once, since the query reads the files twice and the stream adds some at any time.
    files = sorted(glob(source.path)) or [source.path]
    return Join(
        f"read_parquet([{', '.join(map(text, files))}], union_by_name = true)",
        {quoted(theirs): quoted(ours) for theirs, ours in keys.items()},
        quoted(source.timestamp_field),
        quoted(source.created_timestamp_column) if source.created_timestamp_column else None,
        {quoted(name): quoted(prefix + name) for name in wanted},
        int(view.ttl.total_seconds() * 1_000_000) if view.ttl else 0,
    )
