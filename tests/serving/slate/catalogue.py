"""A catalogue of forty items, slates of it, and settings that hypothesis draws."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from feature_repo.item_table import ItemTable
from feature_repo.vocabulary import ACTION_CODE, VECTOR_SIZE
from serving.slate.slate import Given, Served, Slate, by_score

NOW, DAY, COUNT = 1_700_000_000_000, 86_400_000, 40


def catalogue() -> ItemTable:
    """Item i has a brand of seven (every fifth has none), a price, a category of three and is i days old."""
    table = ItemTable()
    for i in range(COUNT):
        attributes = [f"price={i}.5", *([f"brand=b{i % 7}"] if i % 5 else [])]
        row = {
            "item_categories": [f"c{i % 3}", "all"],
            "item_attributes": attributes,
            "item_published_at": NOW - i * DAY,
            "item_available": i % 11 != 10,
        }
        table.put_content(str(i), row)
    vectors = np.random.default_rng(0).normal(size=(COUNT, VECTOR_SIZE)).astype(np.float32)
    table.put_vectors(table.ids, vectors)
    return table


TABLE = catalogue()
scores = st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0]), min_size=1, max_size=COUNT)


@st.composite
def slates(draw: st.DrawFn) -> tuple[Slate, Given]:
    """Candidates in any order, with scores of which some are equal, and whatever may be given."""
    counted = draw(scores)
    rows = np.random.default_rng(draw(st.integers(0, 999))).permutation(COUNT)[: len(counted)]
    history = draw(
        st.lists(st.tuples(st.integers(0, COUNT + 3), st.sampled_from(sorted(ACTION_CODE.values()))), max_size=20)
    )
    served = draw(st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, 90)), max_size=30))
    served.sort(key=lambda each: -each[1])
    given_ = given(
        rows,
        k=draw(st.integers(1, 12)),
        offset=draw(st.integers(0, 12)),
        exclude=[str(each) for each in draw(st.lists(st.integers(0, COUNT + 3)))],
        diversity=draw(st.one_of(st.none(), st.floats(0, 1))),
        activity=activity([(str(item), code, NOW - DAY) for item, code in history]),
        served=served_minutes_ago(served),
    )
    return by_score(np.array(counted)), given_


def given(rows: Any, **known: Any) -> Given:
    """What a stage is given about these rows; a page of ten unless said otherwise."""
    return Given(TABLE, np.asarray(rows), NOW, **{"k": 10, **known})


def slate_of(*counted: float) -> Slate:
    return by_score(np.array(counted, np.float64))


def item_ids(slate: Slate, about: Given) -> list[str]:
    return [TABLE.ids[row] for row in about.of(slate).tolist()]


def activity(history: list[tuple[str, int, int]]) -> dict[str, Any]:
    """A row of ``user_activity`` with (item_id, action, time) each."""
    ids, codes, times = ([list(column) for column in zip(*history, strict=True)]) if history else ([], [], [])
    return {"history_item_ids": ids, "history_actions": codes, "history_timestamps": times}


def served_minutes_ago(served: list[tuple[int, int]]) -> Served:
    """(row, minutes ago) each, the oldest first."""
    rows = np.array([row for row, _ in served], np.int64)
    return Served(rows, np.array([NOW - minutes * 60_000 for _, minutes in served], np.int64))
