"""What the benchmark of candidates reports."""

import numpy as np

from benchmarks.recommend import line, measure, product
from benchmarks.recommend_http import in_graph
from benchmarks.synthetic_catalogue import histories, table_of

NOW = 1_800_000_000_000


def test_a_catalogue_that_is_small_is_searched_exactly_and_finds_all() -> None:
    found = measure(300, requests=2, exact_up_to=1000)
    assert (found["search"], found["recall"], found["graph_s"]) == ("exact", 1.0, 0.0)
    assert found["ratio"] > 0 and set(found["ms"]) == {"bare", "candidates"}


def test_a_larger_one_by_a_graph() -> None:
    found = measure(1500, requests=2, exact_up_to=1000)
    assert found["search"] == "graph" and found["recall"] > 0.9
    assert "graph built" in line(found) and "1,500 items" in line(found)


def test_the_bare_product_finds_the_largest() -> None:
    table = table_of(50, NOW)
    direction = np.ones(64, np.float32)
    products = table.column("item_vectors") @ direction
    assert product(table, direction, 3).tolist() == np.argsort(-products)[:3].tolist()


def test_a_made_catalogue_can_be_recommended_and_met() -> None:
    table = table_of(50, NOW)
    assert table.rankable().all() and (table.column("item_published_at") <= NOW).all()
    assert next(histories(50, NOW)).rows.max() < 50


def test_whether_a_graph_is_there_is_read_from_the_metrics() -> None:
    assert in_graph("# HELP x\nfreshrank_items_in_graph 7.0\n") == 7.0 and in_graph("") == 0.0
