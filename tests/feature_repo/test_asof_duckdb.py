"""Our linear point-in-time join against Feast's own, row by row."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore
from feast.types import Array, Int64, String
from hypothesis import HealthCheck, example, given
from hypothesis import settings as searched
from hypothesis import strategies as st

from feature_repo.asof_duckdb import AsofDuckDBOfflineStore
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store

DAY = datetime(2026, 3, 2, tzinfo=UTC)
REFS = ["seen:names", "seen:number", "kept:label"]
SEEN = pa.schema(
    [
        ("user_id", pa.string()),
        ("event_timestamp", pa.timestamp("us", "UTC")),
        ("created", pa.timestamp("us", "UTC")),
        ("names", pa.list_(pa.string())),
        ("number", pa.int64()),
    ]
)
KEPT = pa.schema([("user_id", pa.string()), ("event_timestamp", pa.timestamp("us", "UTC")), ("label", pa.string())])

seconds = st.integers(0, 8)
written = st.one_of(st.none(), st.integers(0, 12))
seen_rows = st.lists(st.tuples(st.sampled_from("ab"), seconds, written), min_size=1, max_size=30)
kept_rows = st.lists(st.tuples(st.sampled_from("abc"), seconds), min_size=1, max_size=8)
questions = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-1, 12)), min_size=1, max_size=20)


@pytest.fixture(scope="module", autouse=True)
def own_connection() -> Iterator[None]:
    """Let the connection that Feast's own store opens through ibis end with this file, or DuckDB reports a leak."""
    yield
    ibis.options.default_backend = None


def at(second: float) -> datetime:
    return DAY + timedelta(seconds=second)


def view(folder: Path, name: str, ttl: int, schema: list[Field], created: str = "") -> FeatureView:
    source = FileSource(
        name=f"{name}_log",
        path=f"{folder}/{name}-*.parquet",
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column=created,
    )
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    keyed = [Field(name="user_id", dtype=String), *schema]
    return FeatureView(name=name, entities=[user], ttl=timedelta(seconds=ttl), source=source, schema=keyed)


def views(folder: Path, ttl: int) -> list[FeatureView]:
    names = [Field(name="names", dtype=Array(String)), Field(name="number", dtype=Int64)]
    return [
        view(folder, "seen", ttl, names, "created"),
        view(folder, "kept", 0, [Field(name="label", dtype=String)]),
    ]


def write(folder: Path, name: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    """Two parts. Rows with equal stamps say the same: Feast leaves open which of them counts."""
    for part in range(2):
        pq.write_table(pa.Table.from_pylist(rows[part::2], schema), folder / f"{name}-{part}.parquet")


def seen(user: str, second: int, created: int | None) -> dict[str, Any]:
    stamps = {"event_timestamp": at(second), "created": None if created is None else at(created)}
    number = second * 100 + (-1 if created is None else created)
    return {"user_id": user, **stamps, "names": [user, str(number)][: number % 3], "number": number}


def kept(user: str, second: int) -> dict[str, Any]:
    return {"user_id": user, "event_timestamp": at(second), "label": f"{user}{second}"}


def asked(rows: list[tuple[str, float]]) -> pd.DataFrame:
    stamps = pd.to_datetime([at(second) for _, second in rows], utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame({"place": range(len(rows)), "user_id": [user for user, _ in rows], "event_timestamp": stamps})


def answer(store: Any, found: list[FeatureView], rows: pd.DataFrame, **options: Any) -> pa.Table:
    opened = open_store(StoreSettings())
    job = store.get_historical_features(
        opened.config, found, REFS, rows.copy(), opened.registry, "freshrank", **options
    )
    return job.to_arrow()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@searched(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen_rows, kept_rows, questions, st.sampled_from([0, 1, 3]), st.booleans())
@example([("a", 0, 9), ("a", 1, 2), ("a", 1, None)], [("b", 0)], [("a", 1), ("a", 3), ("a", 9), ("a", 12)], 0, True)
def test_it_answers_as_feasts_own_join(
    tmp_path: Path,
    log: list[tuple[str, int, int | None]],
    profiles: list[tuple[str, int]],
    rows: list[tuple[str, int]],
    ttl: int,
    as_written: bool,
) -> None:
    """Ties, rows twice in the log, the edge of the TTL, rows written late or no one knows when, unknown users."""
    write(tmp_path, "seen", [seen(*row) for row in log], SEEN)
    write(tmp_path, "kept", [kept(*row) for row in profiles], KEPT)
    questions, found = asked(rows), views(tmp_path, ttl)
    options = {"filter_by_created_timestamp": as_written}
    ours = answer(AsofDuckDBOfflineStore, found, questions, **options)
    feasts = answer(DuckDBOfflineStore, found, questions, **options)
    assert ours.schema == feasts.schema
    assert ours.to_pylist() == feasts.sort_by("place").to_pylist()


def test_rows_come_in_the_order_asked_whatever_their_index_and_names(tmp_path: Path) -> None:
    write(tmp_path, "seen", [seen("a", 1, 1), seen("b", 2, 2)], SEEN)
    write(tmp_path, "kept", [kept("a", 1), kept("b", 1)], KEPT)
    rows = asked([("b", 3), ("a", 3), ("b", 1), ("a", 0)]).set_index(pd.Index([7, 7, 1, 0]))
    rows = rows.rename(columns={"place": 'a "file"'})
    found = answer(AsofDuckDBOfflineStore, views(tmp_path, 0), rows)
    assert found.column_names == ['a "file"', "user_id", "event_timestamp", "names", "number", "label"]
    assert found.column("number").to_pylist() == [202, 101, None, None]
    assert found.column("label").to_pylist() == ["b1", "a1", "b1", None]


def test_a_feature_reads_as_missing_in_parts_from_before_it_was_defined(tmp_path: Path) -> None:
    write(tmp_path, "kept", [kept("a", 1), kept("b", 1)], KEPT)
    pq.write_table(pa.Table.from_pylist([seen("a", 1, 1)], SEEN).drop(["names"]), tmp_path / "seen-0.parquet")
    pq.write_table(pa.Table.from_pylist([seen("b", 2, 2)], SEEN), tmp_path / "seen-1.parquet")
    found = answer(AsofDuckDBOfflineStore, views(tmp_path, 0), asked([("a", 5), ("b", 5)]))
    assert found.column("names").to_pylist() == [None, ["b"]] and found.column("number").to_pylist() == [101, 202]


def test_the_store_of_a_laptop_is_ours() -> None:
    assert open_store(StoreSettings())._get_provider().offline_store.__class__ is AsofDuckDBOfflineStore
