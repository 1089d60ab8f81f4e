"""Parts of the log without somebody's rows: whatever lies in them, wherever it is cut short."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.online import Row
from feature_repo.user_activity import UserActivity, advance, to_row
from streaming import log_erasure, part_erasure
from streaming.compaction import MERGED, _merge, alone, compact
from streaming.offline_log import MERGES, NO_ROWS, OfflineLog

T = 1_750_000_000_000
VALUES = to_row(advance(UserActivity(), "film", "click", T, ["war"]))
drawn_rows = st.tuples(st.sampled_from("abcd"), st.integers(1, 5))


def rows(*drawn: tuple[str, int]) -> list[Row]:
    return [Row(user_id, stamp, VALUES) for user_id, stamp in drawn]


def left(folder: Path) -> list[tuple[str, int]]:
    parts = sorted((folder / "user_activity").glob("*.parquet"))
    read = [row for part in parts for row in pq.ParquetFile(part).read().to_pylist()]
    assert all(row["history_item_ids"] == ["film"] and row["user_categories"] == ["war"] for row in read)
    return sorted((row["user_id"], int(row["event_timestamp"].timestamp() * 1e6)) for row in read)


def erase(log: OfflineLog, until: dict[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}

    def report(part: str, counts: Iterable[tuple[str, int]]) -> None:
        for user_id, count in dict(counts).items():
            found[user_id] = found.get(user_id, 0) + count

    log_erasure.erase(log, "user_activity", "user_id", until, report)  # type: ignore[arg-type]
    return found


@given(
    st.lists(st.lists(drawn_rows, max_size=6), max_size=5),
    st.dictionaries(st.sampled_from("abcdx"), st.integers(0, 6), max_size=3),
)
def test_exactly_the_void_rows_go(parts: list[list[tuple[str, int]]], until: dict[str, int]) -> None:
    every = [row for part in parts for row in part]
    void = [(user_id, stamp) for user_id, stamp in every if stamp <= until.get(user_id, -1)]
    with tempfile.TemporaryDirectory() as folder:
        log = OfflineLog(Path(folder))
        for number, part in enumerate(parts):
            log.append("user_activity", str(number), rows(*part))
        assert sum(erase(log, until).values()) == len(void)
        assert left(Path(folder)) == sorted(row for row in every if row not in void)
        assert erase(log, until) == {}


@pytest.fixture
def log(tmp_path: Path) -> OfflineLog:
    return OfflineLog(tmp_path)


def test_a_part_that_holds_an_item_says_whose_it_is_before_it_is_written_anew(
    log: OfflineLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append("user_activity", "1", rows(("a", 1), ("b", 1), ("a", 2)))
    log.append("user_activity", "2", [Row("c", 1, to_row(advance(UserActivity(), "song", "click", T)))])
    parts = [log.folder / "user_activity" / f"{number}.parquet" for number in (1, 2)]
    places, said = [part.stat().st_ino for part in parts], list[object]()

    def erase_visits() -> None:
        log_erasure.erase_visits(log, {"film": T}, said.append, lambda *found: said.append(found))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase_visits()
    assert said == [{"a", "b"}, ("1.parquet", {"film": 3})] and [part.stat().st_ino for part in parts] == places
    erase_visits()
    assert said[2:] == said[:2]
    assert pq.ParquetFile(parts[0]).read()["history_item_ids"].to_pylist() == [[], [], []]
    assert parts[0].stat().st_ino != places[0] and parts[1].stat().st_ino == places[1]
    erase_visits()
    assert len(said) == 4


def test_what_compaction_makes_of_parts_meanwhile_is_looked_through_as_well(log: OfflineLog) -> None:
    for number in range(20):
        log.append("user_activity", f"{10**18 + number}-1", rows(("a", number)))
    found: list[str] = []

    def report(part: str, _: object) -> None:
        if not found:
            _merge(sorted((log.folder / "user_activity").glob("1*.parquet")))
        found.append(part)

    log_erasure.erase_visits(log, {"film": T}, lambda users: None, report)
    assert len(found) == 21 and found[-1].startswith("merged-")
    every = (log.folder / "user_activity").glob("*.parquet")
    assert not any(row["history_item_ids"] for part in every for row in pq.ParquetFile(part).read().to_pylist())


def test_a_part_without_the_user_is_not_touched(log: OfflineLog) -> None:
    log.append("user_activity", "1", rows(("a", 1)))
    part = log.folder / "user_activity" / "1.parquet"
    before = part.stat().st_ino
    erase(log, {"b": 9})
    assert part.stat().st_ino == before
    erase(log, {"a": 9})
    assert part.stat().st_ino != before and pq.read_metadata(part).num_rows == 0


def test_a_crash_before_the_rename_leaves_the_part_and_the_same_count(
    log: OfflineLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append("user_activity", "1", rows(("a", 1), ("b", 1)))

    class Crash(Exception):
        pass

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(Crash):
            erase(log, {"a": 1})
    assert left(log.folder) == [("a", 1), ("b", 1)]
    assert erase(log, {"a": 1}) == {"a": 1}
    assert left(log.folder) == [("b", 1)]


def test_what_a_dead_writer_left_goes_when_it_is_old(log: OfflineLog) -> None:
    unfinished = log.folder / "user_activity" / "1.77.tmp"
    unfinished.write_bytes(b"half a part")
    part_erasure.drop_unfinished(log.folder, older_s=900)
    assert unfinished.exists()
    part_erasure.drop_unfinished(log.folder, older_s=-1)
    assert not unfinished.exists()


def test_large_parts_and_the_small_ones_they_hold_lose_the_rows_both(log: OfflineLog) -> None:
    for number in range(30):
        log.append("user_activity", f"{10**18 + number}-1", rows(("a", number), ("b", number)))
    assert compact(log.folder, grace_s=900, settled_s=0) == 30
    assert erase(log, {"a": 99}) == {"a": 60}
    assert {user_id for user_id, _ in left(log.folder)} == {"b"}
    [large] = (log.folder / "user_activity").glob("merged-*.parquet")
    assert MERGED in pq.read_schema(large).metadata  # the small ones still go when their time has come
    compact(log.folder, grace_s=0, settled_s=0)
    assert sorted(part.stem for part in (log.folder / "user_activity").glob("*.parquet")) == [large.stem, NO_ROWS]


def test_it_takes_turns_with_compaction(log: OfflineLog) -> None:
    with alone(log.folder, wait=True), alone(log.folder) as nobody_else:
        assert not nobody_else


def test_sessions_are_found_by_their_user(log: OfflineLog) -> None:
    moves = [("u", "session:s", 5), ("u", "session:t", 6), ("v", "session:w", 5)]
    for event_id, (user_id, session, stamp) in enumerate(moves):
        row = Row(str(event_id), stamp, {"user_id": user_id, "session": session, "timestamp": T})
        log.append(MERGES, str(event_id), [row])
    assert log_erasure.sessions(log, {"u": 5, "w": 9}) == {("u", "session:s")}
