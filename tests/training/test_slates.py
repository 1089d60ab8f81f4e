"""Impressions: what a slate is, what it knows, and how it is measured."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feast import FeatureStore
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from feature_repo.settings import StoreSettings
from tests.training.tiny import BEGIN, HOUR
from training.cases import Case, World, walk, world_at
from training.impressions import (
    MEASURES,
    ClickRate,
    at_random,
    averages,
    impressions,
    of_slate,
    page,
    weekly_click_rate,
)
from training.log import interactions
from training.samples import read_catalogue
from training.slates import Slate, walk_slates

CUTOFF = BEGIN + 30 * HOUR
Row = tuple[str, str, str, int, str]


@pytest.fixture
def world(store: FeatureStore, settings: StoreSettings, snapshot: Path) -> World:
    users = [f"u{user}" for user in range(8)]
    found = world_at(store, read_catalogue(snapshot), interactions(settings, 0, CUTOFF), users, CUTOFF)
    found.labels = frozenset({"click"})
    return found


def later(*rows: Row) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["user_id", "item_id", "action", "timestamp", "request_id"])
    return found.assign(timestamp=CUTOFF + found.timestamp)


SLATE = (
    ("new", "i3", "impression", 5, "r"),
    ("new", "i1", "impression", 5, "r"),
    ("new", "i2", "impression", 6, "r"),
    ("new", "i1", "click", 9, "r"),
)


def slate(rows: list[int], clicked: list[int], now: int = 0, **items: list[float]) -> Slate:
    features = {name: np.array(values) for name, values in items.items()}
    case = Case("u", "", -1, np.array([], np.int64), now, {}, features)
    return Slate("r", np.array(rows), np.array(clicked, bool), case)


def test_a_slate_has_what_was_shown_and_what_of_it_was_clicked(world: World) -> None:
    (found,) = walk_slates(world, later(*SLATE))
    assert [world.catalogue.ids[row] for row in found.rows] == ["i3", "i1", "i2"]
    assert found.clicked.tolist() == [False, True, False]
    assert found.case.items["item_ctr_7d"].shape == (3,)


def test_positions_order_a_slate(world: World) -> None:
    events = later(*SLATE).assign(position=[2.0, 0.0, 1.0, np.nan])
    (found,) = walk_slates(world, events)
    assert [world.catalogue.ids[row] for row in found.rows] == ["i1", "i2", "i3"]


def test_a_slate_knows_what_was_known_before_anything_of_it_was_shown(world: World) -> None:
    before = ("other", "i1", "click", 1, "")
    (found,) = walk_slates(world, later(before, *SLATE))
    assert found.case.timestamp == CUTOFF + 5 and len(found.case.seen) == 0
    shown, clicked = found.case.items["item_actions_1h"][:, [0, 2]].T
    assert shown.sum() == 0 and clicked[1] > 1


@pytest.mark.parametrize("clicked", [[], ["i3", "i1", "i2"]])
def test_slates_with_nothing_or_all_clicked_tell_nothing(world: World, clicked: list[str]) -> None:
    clicks = [("new", item_id, "click", 9, "r") for item_id in clicked]
    assert list(walk_slates(world, later(*SLATE[:3], *clicks))) == []


def test_a_log_without_requests_has_no_slates(world: World) -> None:
    assert list(walk_slates(world, later(*SLATE).drop(columns="request_id"))) == []


def test_an_impression_is_no_case_but_moves_its_item(world: World) -> None:
    more = (("new", "i5", "impression", 20, "s"), ("new", "i4", "click", 30, ""))
    cases = list(walk(world, later(*SLATE, *more), roll=10, min_seen=1))
    assert [case.item_id for case in cases] == ["i4"]
    assert cases[0].items["item_actions_1h"][world.catalogue.index["i5"], 0] > 0.9
    assert cases[0].seen.tolist() == [world.catalogue.index["i1"]]


def test_a_case_that_came_of_a_request_knows_nothing_of_its_slate(world: World) -> None:
    first = ("new", "i0", "click", 1, "")
    (case,) = walk(world, later(first, *SLATE), roll=10, min_seen=1)
    assert (case.item_id, case.timestamp) == ("i1", CUTOFF + 5)
    assert case.items["item_actions_1h"][[world.catalogue.index[item] for item in ("i1", "i2", "i3")], 0].sum() == 0


SLATES = st.lists(
    st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=2, max_size=15, unique_by=lambda row: row[0]
)


@given(SLATES.filter(lambda rows: len({clicked for _, clicked in rows}) == 2))
def test_measures_of_a_slate_are_those_of_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    scores, clicked = np.array([score for score, _ in rows]), np.array([clicked for _, clicked in rows])
    found = dict(zip(MEASURES, of_slate(scores, clicked, np.zeros(len(rows))), strict=True))
    assert found["auc"] == pytest.approx(roc_auc_score(clicked, scores))
    assert found["ndcg@10"] == pytest.approx(ndcg_score([clicked], [scores], k=10))
    assert found["ndcg@5"] == pytest.approx(ndcg_score([clicked], [scores], k=5))
    places = [1 + int((scores > mine).sum()) for mine in scores[clicked]]
    assert found["mrr"] == pytest.approx(np.mean([1 / place for place in places]))


def test_equal_scores_are_told_apart_by_chance_alone() -> None:
    clicked = np.array([True, False])
    first, last = (of_slate(np.zeros(2), clicked, np.array(ties)) for ties in ([0.0, 1.0], [1.0, 0.0]))
    assert (first[0], first[3]) == (0.5, 1.0) and (last[0], last[3]) == (0.5, 0.5)


def test_click_rates_count_on_strictly_before_the_slate() -> None:
    clicked = np.array([False, False, True])
    rate = ClickRate(np.array([0, 0, 0]), np.array([1, 2, 3]), clicked, 2)
    early, same, after = (rate(slate([0, 1], [1, 0], now)) for now in (1, 3, 4))
    assert early[0] == early[1] and same[0] < same[1] and after[0] > after[1]


def test_the_average_of_a_perfect_scorer_is_one() -> None:
    slates = [slate([0, 1, 2], [0, 1, 0], item_ctr_7d=[0.1, 0.9, 0.2])] * 3
    found = impressions(slates, {"model": weekly_click_rate, "random": at_random()}, "model")
    table = averages(found)
    assert [table["model"][measure] for measure in MEASURES] == [1.0] * 4 and table["model"]["slates"] == 3
    assert table["random"]["auc"] < 1 and "random" in page(table) and not math.isnan(found.scores[0][0])
