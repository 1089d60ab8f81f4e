"""Snapshots and runs that name somebody who is forgotten."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from streaming.pseudonymise import pseudonymise


def write(path: Path, users: list[str], kind: pa.DataType) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"label": pa.array(range(len(users))), "user_id": pa.array(users).cast(kind)}
    pq.write_table(pa.table(columns), path, row_group_size=2)


def test_rows_stay_where_they_are_under_another_name(tmp_path: Path) -> None:
    labels, cases = tmp_path / "snapshots/s/labels.parquet", tmp_path / "models/r/cases-test.parquet"
    write(labels, ["ann", "bob", "ann", "eve"], pa.string())
    write(cases, ["bob", "ann"], pa.dictionary(pa.int32(), pa.string()))
    write(tmp_path / "snapshots/s/windows.parquet", ["bob"], pa.large_string())
    pq.write_table(pa.table({"item_id": ["ann"]}), tmp_path / "snapshots/s/items.parquet")
    before = (tmp_path / "snapshots/s/windows.parquet").stat().st_ino

    found = dict(pseudonymise(tmp_path, ["ann", "who"]))
    assert found == {labels: {"ann": 2}, cases: {"ann": 1}}
    [first, bob, second, eve] = pq.ParquetFile(labels).read()["user_id"].to_pylist()
    assert first == second and first.startswith("forgotten-") and (bob, eve) == ("bob", "eve")
    assert pq.ParquetFile(labels).read()["label"].to_pylist() == [0, 1, 2, 3]
    assert pq.ParquetFile(cases).read()["user_id"].to_pylist() == ["bob", first]
    assert (tmp_path / "snapshots/s/windows.parquet").stat().st_ino == before
    assert dict(pseudonymise(tmp_path, ["ann"])) == {}
    assert sorted(each.suffix for each in tmp_path.rglob("*.*")) == [".parquet"] * 4
