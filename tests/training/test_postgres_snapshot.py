"""The same history through the same commands, kept in PostgreSQL and in parquet parts: the same snapshot."""

import json
import random
import subprocess
import sys
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from tests.postgres import environment, postgres

pytestmark = pytest.mark.process

T = 1_750_000_000_000
MONTH = 30 * 86_400_000


def history(folder: Path, count: int) -> None:
    """Half a year, so that some activity expires; users and items without a catalogue entry, entries without events."""
    chance = random.Random(7)
    events = [
        {
            "user_id": f"u{chance.randrange(9)}",
            "item_id": f"i{chance.randrange(15)}",
            "action": chance.choice(["impression", "click", "like"]),
            "timestamp": T + 1000 * chance.randrange(40) + chance.choice([0, 1, 3, 6]) * MONTH,
        }
        for _ in range(count)
    ]
    items = [{"item_id": f"i{n}", "title": f"Film «{n}»", "categories": ["war", "a'b"][: n % 3]} for n in range(5, 20)]
    users = [{"user_id": f"u{n}", "attributes": {"age": n}} for n in range(5)]
    for name, rows in (("interactions", events), ("items", items), ("users", users)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))


LOG = {"interactions", "item_activity", "item_content", "merges", "user_activity", "user_profile"}


def run(variables: dict[str, str], *arguments: str) -> None:
    command = ["env", *(f"{name}={value}" for name, value in variables.items()), sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "leaked" not in done.stderr  # DuckDB's word for a connection that outlives Python


def snapshot(variables: dict[str, str], shop: Path) -> Path:
    """Backfill and snapshot, as processes that know nothing but their environment."""
    with running(variables, ["online-store"]):
        run(variables, "streaming.backfill", str(shop))
        run(variables, "training.snapshot", "--negatives", "4", "--stride", "4", "--validation", "0.2")
    folder = Path(variables["FRESHRANK_DATA_DIR"]) / "snapshots"
    return folder / (folder / "latest").read_text()


def test_a_snapshot_from_postgresql_equals_the_one_from_parquet(tmp_path: Path) -> None:
    history(tmp_path, 300)
    from_parquet = snapshot(free_environment(tmp_path / "parquet"), tmp_path)
    with postgres() as server:
        from_postgres = snapshot(free_environment(tmp_path / "postgres") | environment(server), tmp_path)
        place = {"host": "127.0.0.1", "port": server.postgres_port, "dbname": server.postgres_db}
        with psycopg.connect(**place, user="freshrank", password=server.postgres_password) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {name for (name,) in tables} == LOG  # Feast drops the tables it asks with
    names = sorted(path.name for path in from_parquet.glob("*.parquet"))
    assert names == [f"{name}.parquet" for name in ("candidates", "items", "labels", "queries", "windows")]
    for name in names:
        expected, found = pq.read_table(from_parquet / name), pq.read_table(from_postgres / name)
        assert found.schema == expected.schema
        assert found.to_pylist() == expected.to_pylist()
    labels = pq.read_table(from_postgres / "labels.parquet").to_pylist()
    assert len(labels) > 100
    assert {row["user_attributes"] is None for row in labels} == {True, False}
    assert {row["history_item_ids"] is None for row in labels} == {True, False}
    assert not list((tmp_path / "postgres").glob("offline/*/*.parquet"))
