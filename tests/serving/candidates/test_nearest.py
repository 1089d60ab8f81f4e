"""The search for the nearest vectors: exact, approximate, and how both follow the item table."""

from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.item_table import ItemTable
from feature_repo.unit import unit
from feature_repo.vocabulary import VECTOR_SIZE
from serving.candidates.graph import Graph
from serving.candidates.nearest import Nearest
from tests.serving.candidates.worlds import named, table_of, turned

EXACT, GRAPH = 1_000_000, 0  # exact_up_to


def nearest_of(table: ItemTable, exact_up_to: int, model: int = 1) -> Nearest:
    nearest = Nearest(table, exact_up_to)
    take_over(nearest, model)
    return nearest


def take_over(nearest: Nearest, model: int = 1) -> None:
    """What the background does, in one go."""
    nearest.follow(nearest.look(model))
    nearest.grow(nearest.look(model))
    nearest.follow(nearest.look(model))


def found(nearest: Nearest, table: ItemTable, degrees: float, count: int = 2) -> list[str]:
    return named(table, nearest.search(turned(degrees), count).rows)


both = pytest.mark.parametrize("exact_up_to", [EXACT, GRAPH])


@both
def test_the_nearest_come_first_with_their_cosines(exact_up_to: int) -> None:
    table = table_of(a=0, b=30, c=90)
    rows, cosines = nearest_of(table, exact_up_to).search(turned(10), 2)
    assert named(table, rows) == ["a", "b"]
    assert cosines == pytest.approx(np.cos(np.radians([10, 20])), abs=1e-5)


@both
def test_lengths_do_not_count(exact_up_to: int) -> None:
    table = table_of(a=0, b=30)
    table.put_vectors(["b"], turned(30)[None] * 100, 9)
    assert found(nearest_of(table, exact_up_to), table, 0) == ["a", "b"]


@both
def test_a_new_vector_is_found_after_the_next_look(exact_up_to: int) -> None:
    table = table_of(a=0, b=30)
    nearest = nearest_of(table, exact_up_to)
    table.put_vectors(["fresh"], turned(91)[None], 5)
    take_over(nearest)
    assert found(nearest, table, 90, 1) == ["fresh"]


@both
def test_a_changed_vector_is_found_where_it_is_now(exact_up_to: int) -> None:
    table = table_of(a=0, b=30)
    nearest = nearest_of(table, exact_up_to)
    table.put_vectors(["a"], turned(180)[None], 99)
    take_over(nearest)
    assert found(nearest, table, 180, 1) == ["a"] and found(nearest, table, 0, 1) == ["b"]


@both
def test_a_hidden_item_is_gone_at_once_and_back_after_the_next_look(exact_up_to: int) -> None:
    table = table_of(a=0, b=30)
    nearest = nearest_of(table, exact_up_to)
    table.put_content("a", {"item_available": False})
    assert found(nearest, table, 0) == ["b"]
    take_over(nearest)
    table.put_content("a", {"item_available": True})
    take_over(nearest)
    assert found(nearest, table, 0) == ["a", "b"]


@both
def test_vectors_of_another_model_replace_all(exact_up_to: int) -> None:
    table = table_of(a=0, b=90)
    nearest = nearest_of(table, exact_up_to)
    table.replace_vectors(["a", "b"], np.stack([turned(90), turned(0)]), 2)  # of the same texts
    take_over(nearest, 2)
    assert found(nearest, table, 0, 1) == ["b"]


def test_until_its_graph_is_built_another_models_vectors_are_searched_exactly() -> None:
    table = table_of(a=0, b=90)
    nearest = nearest_of(table, GRAPH)
    assert not nearest.slow
    table.replace_vectors(["a", "b"], np.stack([turned(90), turned(0)]), 2)
    nearest.follow(nearest.look(2))
    assert nearest.slow and found(nearest, table, 0, 1) == ["b"]


def test_a_graph_of_a_model_that_was_replaced_meanwhile_is_not_used() -> None:
    table = table_of(a=0, b=90)
    nearest = Nearest(table, GRAPH)
    nearest.grow(nearest.look(1))
    nearest.follow(nearest.look(2))
    assert nearest.slow


def test_nobody_waits_for_a_graph_that_is_not_wanted_any_more() -> None:
    graph, stopping = Graph(), Event()
    stopping.set()
    graph.build(np.arange(3), np.stack([turned(each) for each in (0, 1, 2)]), stopping)
    assert len(graph) == 0


@both
def test_an_empty_table_has_nothing(exact_up_to: int) -> None:
    nearest = nearest_of(ItemTable(), exact_up_to)
    assert nearest.search(turned(0), 3).rows.tolist() == []


def test_nine_of_ten_exact_neighbours_are_found_by_the_graph() -> None:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(3000, VECTOR_SIZE)).astype(np.float32)  # without any structure: the hardest case
    table = ItemTable()
    table.replace_vectors([str(place) for place in range(len(vectors))], vectors, 1)
    exact, graph = nearest_of(table, EXACT), nearest_of(table, GRAPH)
    asked = unit(draw.normal(size=(50, VECTOR_SIZE)))
    shares = [np.isin(exact.search(each, 100).rows, graph.search(each, 100).rows).mean() for each in asked]
    assert np.mean(shares) >= 0.9


CHANGES = st.lists(
    st.tuples(st.sampled_from(["move", "hide", "show"]), st.integers(0, 11), st.integers(0, 359)), max_size=12
)


@given(st.lists(CHANGES, min_size=1, max_size=4), st.integers(0, 359))
def test_whatever_changes_what_is_found_is_what_is_there(rounds: list[list[tuple[str, int, int]]], asked: int) -> None:
    table = table_of(a=0, b=120)
    followed = [nearest_of(table, EXACT), nearest_of(table, GRAPH)]
    for stamp, changes in enumerate(rounds, 1):
        for number, (change, item, degrees) in enumerate(changes):
            if change == "move":
                table.put_vectors([str(item)], turned(degrees)[None], 1000 * stamp + 2 * number)
            else:
                table.put_content(str(item), {"item_available": change == "show"})
        for nearest in followed:
            take_over(nearest)
    there = np.flatnonzero(table.rankable())
    cosines = unit(table.column("item_vectors")[there]) @ turned(asked)
    for nearest in followed:
        found = nearest.search(turned(asked), 20)
        assert sorted(found.rows.tolist()) == there.tolist()
        assert found.cosines == pytest.approx(np.sort(cosines)[::-1], abs=1e-5)
