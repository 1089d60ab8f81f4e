"""The offline half of the store."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.features import ITEM_BOOKS, USER_BOOKS, VIEWS
from feature_repo.online import Row
from feature_repo.user_activity import UserActivity, advance, to_row
from streaming import offline_log
from streaming.events import Interaction
from streaming.offline_log import INTERACTIONS, MERGES, NO_ROWS, SCHEMAS, OfflineLog
from streaming.rows import interaction_row
from tests.fakes import as_logged

T = 1_750_000_000_000
ROW = Row("7", T * 1000 + 1, to_row(advance(UserActivity(), "42", "click", T, ["war"])))


def test_every_view_has_a_table_with_all_its_fields_but_the_books() -> None:
    for view in VIEWS:
        fields = {field.name for field in view.features} - {*USER_BOOKS, *ITEM_BOOKS}
        assert set(SCHEMAS[view.name].names) == fields | {view.join_keys[0], "event_timestamp", "created"}
    assert set(SCHEMAS) == {view.name for view in VIEWS} | {INTERACTIONS, MERGES}


def test_a_part_says_what_the_rows_said(tmp_path: Path) -> None:
    OfflineLog(tmp_path).append("user_activity", "p", [ROW])
    [row] = pq.read_table(tmp_path / "user_activity/p.parquet").to_pylist()
    assert {name: row[name] for name in ROW.values} == as_logged(ROW.values)
    assert row["user_id"] == "7"
    assert pa.scalar(row["event_timestamp"]).cast(pa.int64()).as_py() == ROW.stamp


def test_interactions_are_logged_with_the_stamp_of_their_row(tmp_path: Path) -> None:
    event = Interaction(
        event_id="e", user_id="7", item_id="42", action="click", timestamp=T, position=3, context={"device": "tv"}
    )
    OfflineLog(tmp_path).append(INTERACTIONS, "p", [interaction_row(event, 5)])
    [row] = pq.read_table(tmp_path / "interactions/p.parquet").to_pylist()
    assert (row["event_id"], row["user_id"], row["position"], row["value"]) == ("e", "7", 3, None)
    assert row["context"] == '{"device":"tv"}'


def test_a_reader_never_sees_an_unfinished_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(table: pa.Table, where: Path, **options: Any) -> None:
        where.write_bytes(b"half")
        raise OSError("disk full")

    log = OfflineLog(tmp_path)
    monkeypatch.setattr(offline_log.pq, "write_table", interrupted)
    with pytest.raises(OSError, match="disk full"):
        log.append("user_activity", "p", [ROW])
    assert {part.stem for part in tmp_path.glob("*/*.parquet")} == {NO_ROWS}
    assert log.is_empty()


def test_the_same_part_again_replaces_itself(tmp_path: Path) -> None:
    log = OfflineLog(tmp_path)
    for _ in range(2):
        log.append("user_activity", "p", [ROW])
    assert {path.stem for path in tmp_path.glob("user_activity/*")} == {NO_ROWS, "p"}


def test_no_rows_make_no_part(tmp_path: Path) -> None:
    log = OfflineLog(tmp_path)
    log.append("user_activity", "p", [])
    assert log.is_empty()


def test_a_cleared_log_is_empty(tmp_path: Path) -> None:
    log = OfflineLog(tmp_path)
    log.append("user_activity", "p", [ROW])
    assert not log.is_empty()
    log.clear()
    assert log.is_empty()
