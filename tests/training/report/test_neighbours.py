"""Text vectors before and after, and runs beside each other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.report.made import random_evidence
from tests.training.report.test_sections import LOG3, shop
from training.report.evidence import Item
from training.report.neighbours import compared, examples, met, nearest
from training.report.tuning import against

BEFORE = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])  # a is near b
AFTER = np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]])  # a is near c


def test_the_nearest_items_are_others_nearest_first() -> None:
    assert nearest(BEFORE / np.linalg.norm(BEFORE, axis=1, keepdims=True)).tolist() == [[1, 2], [0, 2], [1, 0]]


def test_what_a_user_met_is_the_log_and_then_the_earlier_cases() -> None:
    assert met(shop(), {"a": 0, "b": 1, "c": 2}) == [[0], [0, 0], [0], [0, 2]]


def test_ranking_by_the_last_item_is_measured_with_both_vectors() -> None:
    evidence = shop()
    evidence.past.drop(index=0, inplace=True)  # so u has met nothing before its first case
    found = compared(evidence, BEFORE, AFTER)
    assert (found["cases"], found["users"], found["items"]) == (3, 2, 3)
    # u: b after a; v: c after a; v: d, which is not in the catalogue
    assert found["before"]["value"] == pytest.approx((1 + LOG3 + 0) / 3)
    assert found["after"]["value"] == pytest.approx((LOG3 + 1 + 0) / 3)
    assert found["lead"]["value"] == pytest.approx(0)
    assert found["examples"][0] == {"item": "A", "before": ["B", "c"], "after": ["c", "B"]}


def test_examples_are_the_most_met_items_of_their_categories() -> None:
    evidence = shop()
    assert examples(evidence, {"a": 0, "b": 1, "c": 2}) == [0, 1, 2]
    alike = replace(evidence, items={item_id: Item("", ("x",)) for item_id in "abc"})
    assert examples(alike, {"a": 0, "b": 1, "c": 2}) == [0]


def test_two_runs_are_compared_on_the_cases_that_both_have(tmp_path: Path) -> None:
    evidence = shop()
    other = evidence.cases.assign(rank_model=[1.0, 1.0, 1.0, 1.0])[1:]
    other.to_parquet(tmp_path / "cases-test.parquet")
    found = against(evidence, tmp_path)
    assert (found["cases"], found["users"]) == (3, 2)
    assert found["before"]["value"] == 1.0 and found["after"]["value"] == pytest.approx(LOG3 / 3)
    assert found["lead"]["value"] == pytest.approx(LOG3 / 3 - 1)


def test_runs_of_different_cases_cannot_be_compared(tmp_path: Path) -> None:
    cases = random_evidence().cases
    pd.DataFrame(cases).to_parquet(tmp_path / "cases-test.parquet")
    assert "other cases" in against(shop(), tmp_path)["missing"]
    assert "--against" in against(shop(), None)["missing"]
