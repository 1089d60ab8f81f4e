"""Ids are found as a dict finds them, however many there are and in whatever order they came."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo import id_rows
from feature_repo.id_rows import FULL, SLOTS, IdRows


def made(item_ids: Sequence[str]) -> IdRows:
    """Ids that came one by one."""
    rows, known = IdRows(), []
    for item_id in item_ids:
        known.append(item_id)
        rows.put(known)
    return rows


def expected(item_ids: Sequence[str], asked: Sequence[str]) -> list[int]:
    index = {item_id: row for row, item_id in enumerate(item_ids)}
    return [index.get(item_id, -1) for item_id in asked]


@given(st.lists(st.text(), unique=True), st.lists(st.text()), st.randoms())
def test_known_and_unknown_ids_are_told_apart(item_ids: list[str], others: list[str], random: object) -> None:
    asked = [*others, *item_ids, *item_ids[::2]]
    random.shuffle(asked)  # type: ignore[attr-defined]
    assert made(item_ids).rows(asked).tolist() == expected(item_ids, asked)


@given(st.integers(0, 300), st.integers(0, 300))
def test_ids_that_were_there_at_once_and_those_that_came_later_are_found_alike(first: int, later: int) -> None:
    item_ids = [f"item-{number}" for number in range(first + later)]
    rows = IdRows()
    rows.lay_out(item_ids[:first])
    for count in range(first + 1, len(item_ids) + 1):
        rows.put(item_ids[:count])
    asked = [*reversed(item_ids), "nobody"]
    assert rows.rows(asked).tolist() == expected(item_ids, asked)


@pytest.mark.parametrize("count", [SLOTS, SLOTS + 1, 60])
def test_what_finds_its_bucket_full_is_found_all_the_same(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_rows, "FULL", 1000)  # one bucket for all
    item_ids = [f"item-{number}" for number in range(count)]
    rows = made(item_ids)
    assert len(rows._known[2]) == max(0, count - SLOTS)
    assert rows.rows([*item_ids, "nobody"]).tolist() == [*range(count), -1]


def test_few_ids_find_their_bucket_full() -> None:
    item_ids = [f"item-{number}" for number in range(20_000)]
    rows = made(item_ids)
    assert len(rows._used) * FULL >= len(item_ids)
    assert len(rows._known[2]) < len(item_ids) / 50
