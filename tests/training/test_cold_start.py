import math

import pandas as pd
import pytest

from training.cold_start import cold_start, page


def cases(*rows: tuple[int, int, float]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["history_length", "target_events", "rank_model"])
    return found.assign(rank_popularity=math.inf)


CASES = cases((1, 0, 1.0), (4, 10, 3.0), (5, 11, math.inf), (19, 100, 1.0), (20, 101, 1.0), (100, 5000, 1.0))
NEW = cases((0, 7, 1.0))


def test_every_case_is_in_its_bin() -> None:
    tables = cold_start(CASES, NEW)
    assert {row["bin"]: row["cases"] for row in tables["users"]} == {"0": 1, "1-4": 2, "5-19": 2, "20-99": 1, "100+": 1}
    assert {row["bin"]: row["cases"] for row in tables["items"]} == {"0": 1, "1-10": 1, "11-100": 2, "101+": 2}


def test_a_bin_has_the_gain_of_every_scorer() -> None:
    row = cold_start(CASES, NEW)["users"][1]
    assert row["ndcg@10"] == {"model": pytest.approx((1 + 0.5) / 2), "popularity": 0.0}


def test_a_bin_without_cases_says_nothing() -> None:
    tables = cold_start(CASES[:1], NEW[:0])
    assert tables["users"][0]["ndcg@10"] == {"model": None, "popularity": None}
    assert "1.0000" in page(tables)
