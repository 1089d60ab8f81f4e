"""Files and databases -> interactions, all at once; what is none goes to a file with its reason."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from feature_repo.vocabulary import ACTIONS
from streaming.columns import EVENTS, events, one_by_one
from streaming.events import InvalidEvent
from streaming.rejects import Rejects
from streaming.sources import Source, batches, catalogue, estimate, identity
from streaming.sql_source import shown

T = 1_750_000_000_000
ROWS: list[dict[str, Any]] = [
    {"event_id": "1", "user_id": "7", "item_id": "NA", "action": "rating", "timestamp": T + 5, "value": 4.5},
    {"event_id": "2", "session_id": "9", "item_id": "2", "action": "click", "timestamp": T, "position": 3},
    {"event_id": "3", "user_id": "7", "item_id": "é", "action": "view", "timestamp": T, "request_id": "r"},
]

EXPECTED = [
    ["1", "7", "NA", 7, T + 5, 4.5, None, None, None],
    ["2", "session:9", "2", 3, T, None, None, 3, None],
    ["3", "7", "é", 2, T, None, "r", None, None],
]
Rejected = list[tuple[int, str]]


def read(source: Source) -> tuple[list[list[Any]], Rejected]:
    """The events of a source without their numbers, and what was rejected."""
    rejected: Rejected = []

    def reject(row: int, reason: str, _: Mapping[str, Any]) -> None:
        rejected.append((row, reason))

    found = [events(batch, first, where, reject) for first, batch, where in batches(source, reject)]
    table = pa.Table.from_batches(found, schema=EVENTS)
    return [list(row.values())[1:] for row in table.to_pylist()], rejected


def written(folder: Path, kind: str, rows: list[dict[str, Any]]) -> Source:
    """A source of this kind that has the rows."""
    match kind:
        case "parquet":
            pd.DataFrame(rows).to_parquet(folder / "interactions.parquet")
        case "csv":
            pd.DataFrame(rows).to_csv(folder / "interactions.csv", index=False)
        case "jsonl":
            (folder / "interactions.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
        case "sql":
            url = f"sqlite:///{folder}/shop.db"
            pd.DataFrame(rows).to_sql("clicks", create_engine(url), index=False)
            return Source(None, url, {"interactions": "SELECT * FROM clicks"})
    return Source(folder)


KINDS = pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "sql"])


@KINDS
def test_every_kind_of_source_gives_the_same_events(tmp_path: Path, kind: str) -> None:
    assert read(written(tmp_path, kind, ROWS)) == (EXPECTED, [])


@KINDS
def test_a_row_that_is_no_interaction_is_left_out_with_its_reason(tmp_path: Path, kind: str) -> None:
    odd = [ROWS[0] | {"action": "stare"}, ROWS[0] | {"timestamp": 9}, ROWS[0] | {"item_id": "x" * 257}]
    found, rejected = read(written(tmp_path, kind, [ROWS[0], *odd, ROWS[1], {**ROWS[2], "user_id": None}]))
    assert found == EXPECTED[:2]
    assert [row for row, _ in rejected] == [1, 2, 3, 5]
    for (_, reason), expected in zip(rejected, ["'stare'", "1973", "length", "`user_id` or"], strict=True):
        assert expected in reason


@KINDS
def test_a_column_that_is_missing_is_named(tmp_path: Path, kind: str) -> None:
    source = written(tmp_path, kind, [{"user_id": "1", "action": "view", "timestamp": T}])
    with pytest.raises(InvalidEvent, match="has no column `item_id`: interactions have the columns"):
        read(source)


def test_a_column_of_an_impossible_type_is_named(tmp_path: Path) -> None:
    pd.DataFrame([ROWS[0] | {"timestamp": [1]}]).to_parquet(tmp_path / "interactions.parquet")
    with pytest.raises(InvalidEvent, match=r"`timestamp` of interactions\.parquet is of type list"):
        read(Source(tmp_path))


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime([T], unit="ms"),
        pd.to_datetime([T], unit="ms", utc=True).tz_convert("Asia/Tokyo"),
        ["2025-06-15T15:06:40Z"],
        ["2025-06-15 15:06:40.000"],
        ["2025-06-15T17:06:40+02:00"],
        ["20250615T150640Z"],
        [str(T)],
        [f"{T}.0"],
        [float(T)],
    ],
)
def test_times_come_in_many_forms(tmp_path: Path, times: Any) -> None:
    columns = {"user_id": [7], "item_id": [42.0], "action": ["view"], "timestamp": times}
    pd.DataFrame(columns).to_parquet(tmp_path / "interactions.parquet")
    [found], rejected = read(Source(tmp_path))
    assert (found[1:5], rejected) == (["7", "42", 2, T], [])


CONTEXTS = [{"device": "phone", "n": 1.5}, {"query": 'blue " cup'}, None]


@pytest.mark.parametrize("as_text", [True, False])
@KINDS
def test_a_context_comes_as_text_or_as_an_object(tmp_path: Path, kind: str, as_text: bool) -> None:
    as_text = as_text or kind in ("csv", "sql")  # which have no objects
    rows = [ROWS[0] | {"context": json.dumps(each) if as_text and each else each} for each in CONTEXTS]
    found, rejected = read(written(tmp_path, kind, rows))
    texts = ['{"device":"phone","n":1.5}', '{"query":"blue \\" cup"}', None]
    assert ([row[-1] for row in found], rejected) == (texts, [])


def test_a_context_may_be_a_map(tmp_path: Path) -> None:
    contexts = pa.array([[("device", "phone")], None, []], pa.map_(pa.string(), pa.string()))
    batch = pa.RecordBatch.from_pylist([ROWS[0]] * 3).append_column("context", contexts)
    assert events(batch, 0, "here", lambda *_: None)["context"].to_pylist() == ['{"device":"phone"}', None, None]


@pytest.mark.parametrize("context", ["phone", "[1]", '{"a": "\\u0000"}', '{"device": "phone"'])
def test_a_row_whose_context_is_no_object_is_left_out(tmp_path: Path, context: str) -> None:
    found, rejected = read(written(tmp_path, "parquet", [ROWS[0] | {"context": context}, ROWS[1]]))
    assert (len(found), [row for row, _ in rejected]) == (1, [0])
    assert "context" in rejected[0][1] or "NUL" in rejected[0][1]


def test_a_column_of_contexts_that_are_numbers_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidEvent, match=r"`context` of interactions\.parquet is of type int64"):
        read(written(tmp_path, "parquet", [ROWS[0] | {"context": 7}]))


cells = {
    "event_id": st.none() | st.sampled_from(["", "a", "x" * 257, "\0", "é"]),
    "user_id": st.none() | st.sampled_from(["", "a", "x" * 256, "x" * 257, "a\0b"]),
    "session_id": st.none() | st.sampled_from(["", "s", "x" * 257]),
    "item_id": st.none() | st.sampled_from(["", "i", "x" * 257]),
    "action": st.none() | st.sampled_from([*ACTIONS, "stare", ""]),
    "timestamp": st.none() | st.sampled_from([T, T + 1, 0, -1, 10**13]),
    "value": st.none() | st.floats(allow_nan=False),
    "request_id": st.none() | st.sampled_from(["", "r"]),
    "position": st.none() | st.sampled_from([0, 7, -1, 2**31]),
    "context": st.none()
    | st.sampled_from(["", "{}", '{"b": 1, "a": null}', "[]", "{", '{"a": "\\u0000"}', '{"a": "\\\\u0000"}']),
}


@given(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=20))
def test_columns_are_read_as_their_rows_are(rows: list[dict[str, Any]]) -> None:
    numbers: tuple[list[Any], list[Any]] = ([], [])
    types = {"timestamp": pa.int64(), "value": pa.float64(), "position": pa.int64()}
    arrays = {name: pa.array([row[name] for row in rows], types.get(name, pa.string())) for name in cells}
    at_once = events(pa.RecordBatch.from_pydict(arrays), 5, "here", lambda *each: numbers[0].append(each[0]))
    singly = one_by_one(enumerate(rows, start=5), lambda *each: numbers[1].append(each[0]))
    assert at_once.to_pylist() == singly.to_pylist()
    assert numbers[0] == numbers[1]


def test_a_line_of_csv_with_too_few_cells_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_text(f"user_id,item_id,action,timestamp\n7,1,view\n7,1,view,{T}\n")
    found, rejected = read(Source(tmp_path))
    assert len(found) == 1
    assert rejected[0][1] == "line 2 has 3 cells, not 4"


def test_a_line_that_is_not_json_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "interactions.jsonl").write_text('{"user_id": \n[1]\n' + json.dumps(ROWS[0]))
    found, rejected = read(Source(tmp_path))
    assert len(found) == 1
    assert [reason.split(":")[0] for _, reason in rejected] == [f"line {n} is not a JSON object" for n in (1, 2)]


def test_lines_of_mixed_types_are_read_one_by_one(tmp_path: Path) -> None:
    source = written(tmp_path, "jsonl", [ROWS[0] | {"user_id": 7}, ROWS[0] | {"timestamp": "2025-06-15"}])
    assert [row[1] for row in read(source)[0]] == ["7", "7"]


def test_a_database_gives_the_catalogue_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    pd.DataFrame([{"id": 1, "kinds": "war|drama"}]).to_sql("films", create_engine(url), index=False)
    source = Source(None, url, {"items": "SELECT id AS item_id, kinds AS categories FROM films"})
    found = catalogue(source, "items")
    assert found is not None
    assert found.to_dict("records") == [{"item_id": 1, "categories": "war|drama"}]
    assert catalogue(source, "users") is None


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    source = Source(None, "sqlite:////nowhere/shop.db", {"interactions": "SELECT 1"})
    with pytest.raises(InvalidEvent, match=r"sqlite:////nowhere/shop\.db does not answer"):
        read(source)
    assert shown("postgresql://shop:secret@db/shop") == "postgresql+psycopg://shop:***@db/shop"
    assert "secret" not in str(identity(Source(None, "postgresql://shop:secret@db/shop", {"interactions": "q"})))
    with pytest.raises(InvalidEvent) as raised:
        shown("shop:secret@db")
    assert "secret" not in str(raised.value)


def test_a_source_is_another_one_when_its_file_changed(tmp_path: Path) -> None:
    source = written(tmp_path, "jsonl", ROWS)
    before = identity(source)
    assert (identity(source), estimate(source)) == (before, 2)
    written(tmp_path, "jsonl", ROWS[:1])
    assert identity(source) != before


def test_rejected_rows_are_written_down(tmp_path: Path) -> None:
    with Rejects(tmp_path / "rejects.jsonl") as rejects:
        rejects.of("items")(3, "no id", {"title": "x", "at": datetime(2025, 1, 1, tzinfo=UTC)})
    [line] = (tmp_path / "rejects.jsonl").read_text().splitlines()
    assert json.loads(line) | {"fields": {}} == {"table": "items", "row": 3, "reason": "no id", "fields": {}}
    assert (rejects.count, rejects.first) == (1, "row 3 of items: no id")
    with Rejects(tmp_path / "rejects.jsonl"):
        assert not (tmp_path / "rejects.jsonl").exists()
