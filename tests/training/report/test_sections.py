"""The sections' numbers, beside ones computed by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.report.made import random_evidence
from training.report.breadth import breadth, parts_of, shares
from training.report.curves import curves
from training.report.evidence import Evidence, Item
from training.report.headline import headline
from training.report.learning import learning
from training.report.shown import shown
from training.report.slices import little_known, popularity_classes, slices
from training.report.worst import masked, worst

LOG3 = 1 / np.log2(3)  # the gain of the second place


def shop() -> Evidence:
    """Four cases of two users; item a was met three times before, b once, c never, and d is in no catalogue."""
    cases = pd.DataFrame(
        {
            "user_id": ["u", "u", "v", "v"],
            "item_id": ["a", "b", "c", "d"],
            "timestamp": [1000, 2000, 3000, 4000],
            "hour": [0, 3, 23, 23],
            "weekday": [0, 6, 6, 6],
            "history_length": [1, 4, 5, 100],
            "target_events": [3, 1, 0, 0],
            "target_category": ["x", "y", "y", None],
            "rank_model": [1.0, 2.0, 11.0, np.inf],
            "rank_popularity": [2.0, 1.0, 11.0, np.inf],
            "rank_random": [11.0, 11.0, 11.0, np.inf],
            "top_model": [["a", "b"], ["b", "a"], ["a", "b"], ["a", "c"]],
        }
    )
    past = pd.DataFrame({"user_id": ["u", "v", "w", "w"], "item_id": ["a", "a", "a", "b"], "timestamp": [1, 2, 3, 4]})
    items = {"a": Item("A", ("x",)), "b": Item("B", ("y",)), "c": Item("", ())}
    made = {"config": {}, "snapshot_id": "s"}
    return Evidence(Path("run"), made, {}, cases, None, None, [], items, past)


def test_the_headline_is_the_mean_over_cases_with_baselines_from_the_best_down() -> None:
    found = headline(shop())
    assert [row["name"] for row in found["scorers"]] == ["model", "popularity", "random"]
    model, popularity, random = found["scorers"]
    assert model["ndcg@10"]["value"] == pytest.approx((1 + LOG3) / 4)
    assert model["recall@10"]["value"] == 0.5
    assert model["mrr"]["value"] == pytest.approx((1 + 1 / 2 + 1 / 11) / 4)
    assert model["model_leads_by"] is None and popularity["model_leads_by"]["value"] == pytest.approx(0)
    assert random["model_leads_by"]["value"] == pytest.approx((1 + LOG3) / 4)
    assert (found["cases"], found["users"], found["items"]) == (4, 2, 3)


def test_intervals_are_over_users_and_not_over_cases() -> None:
    mean = headline(shop())["scorers"][0]["ndcg@10"]
    assert (mean["low"], mean["high"]) == (0.0, pytest.approx((1 + LOG3) / 2))  # v alone, u alone


def test_a_slice_has_a_row_per_value_in_a_sensible_order() -> None:
    by_title = {table["title"]: table["rows"] for table in slices(shop())["tables"]}
    assert [row["value"] for row in by_title["Hour of the day"]] == ["00–02 h", "03–05 h", "21–23 h"]
    monday, sunday = by_title["Day of the week"]
    assert (monday["value"], sunday["value"], sunday["cases"], sunday["users"]) == ("Monday", "Sunday", 3, 2)
    assert monday["model"] == {"value": 1.0, "low": None, "high": None}
    assert monday["baselines"] == {"popularity": pytest.approx(LOG3), "random": 0.0}
    assert monday["leads_best_baseline_by"]["value"] == pytest.approx(1 - LOG3)
    assert [(row["value"], row["cases"]) for row in by_title["Category of what came"]] == [("y", 2), ("x", 1)]
    assert "Context: device" not in by_title


def test_contexts_that_requests_said_are_slices() -> None:
    titles = [table["title"] for table in slices(random_evidence())["tables"]]
    assert titles[-1] == "Context: device"


def test_head_middle_and_tail_part_the_training_events() -> None:
    assert list(popularity_classes(shop())) == ["head", "middle", "new", "new"]


def test_newcomers_are_users_without_any_event_and_nowhere_else() -> None:
    newcomers = shop().cases[:1].assign(user_id="new", history_length=0)
    users, items = little_known(replace(shop(), newcomers=newcomers))["tables"]
    assert [(row["value"], row["cases"]) for row in users["rows"]] == [("0", 1), ("1-4", 2), ("5-19", 1), ("100+", 1)]
    assert [(row["value"], row["cases"]) for row in items["rows"]] == [("0", 2), ("1-10", 2)]


def test_popularity_is_by_parts_of_the_catalogue_and_unknown_items_have_none() -> None:
    parts = parts_of(pd.Series({"a": 3, "b": 1, "c": 0}))
    assert parts.to_dict() == {"a": 0, "b": 1, "c": 2}
    assert shares(pd.Series(["a", "a", "b", "?"]), parts)[:3] == [0.5, 0.25, 0.0]


def test_what_is_recommended_stands_beside_what_came() -> None:
    measured = {"test": {"model": {"coverage": 1.0, "novelty": 2.0}}}
    found = breadth(replace(shop(), measured=measured))
    assert found["scorers"] == [
        {"name": "model", "coverage": 1.0, "gini": None, "diversity": None, "novelty": 2.0, "popularity": None}
    ]
    assert found["popularity"]["recommended"]["model"][:3] == [0.5, 0.375, 0.125]
    assert found["came"]["popularity"] == 1.0
    assert found["came"]["novelty"] == pytest.approx((np.log2(7 / 4) + np.log2(7 / 2) + 2 * np.log2(7)) / 4)


def scored(labels: list[int], scores: list[float], probabilities: list[float] | None = None) -> pd.DataFrame:
    found = pd.DataFrame({"case": [0] * len(labels), "label": labels, "score": scores})
    return found.assign(probability=probabilities) if probabilities else found


def test_curves_go_through_the_points_computed_by_hand() -> None:
    found = curves(scored([1, 0, 1, 0], [4.0, 3.0, 2.0, 1.0]), np.array(["u"]), None)
    assert found["auc"] == {"value": 0.75, "low": None, "high": None}
    assert found["roc"] == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["precision_recall"] == [[0.5, 1], [0.5, 0.5], [1, 0.66667], [1, 0.5]]
    assert "missing" in found["calibration"]


def test_equal_scores_are_one_point_of_the_curve() -> None:
    found = curves(scored([1, 0, 0, 0], [1.0, 1.0, 1.0, 1.0]), np.array(["u"]), None)
    assert found["roc"] == [[0, 0], [1, 1]] and found["auc"]["value"] == 0.5


def test_the_areas_interval_is_over_users() -> None:
    some = pd.concat([scored([1, 0], [1.0, 0.0]), scored([1, 0], [0.0, 1.0]).assign(case=1)])
    found = curves(some, np.array(["u", "v"]), None)["auc"]
    assert (found["low"], found["value"], found["high"]) == (0.0, 0.5, 1.0)


def test_calibration_weighs_candidates_so_that_the_click_rate_is_right() -> None:
    labels, foretold = [1, 0, 0, 0] * 1500, [0.4] * 6000
    plain = curves(scored(labels, foretold, foretold), np.array(["u"]), None)["calibration"]
    weighted = curves(scored(labels, foretold, foretold), np.array(["u"]), 0.4)["calibration"]
    assert plain["ece"] == pytest.approx(0.15, abs=0.002) and weighted["ece"] == pytest.approx(0, abs=0.002)
    for found, came in ((plain, 0.25), (weighted, 0.4)):
        assert [each["candidates"] for each in found["bins"]] == pytest.approx([400] * 15, abs=2)
        assert [each["came"] for each in found["bins"]] == pytest.approx([came] * 15, abs=0.004)


def test_what_was_shown_is_as_evaluate_measured_it() -> None:
    assert "missing" in shown(shop())
    row = {"auc": 0.6, "auc_low": 0.5, "auc_high": 0.7, "ndcg@10": 0.4, "ndcg@5": 0.3, "mrr": 0.2, "slates": 9}
    measured = {"test_impressions": {"random": row | {"auc": 0.7}, "click rate": row | {"auc": 0.8}, "model": row}}
    found = shown(replace(shop(), measured=measured))
    assert [each["name"] for each in found["scorers"]] == ["model", "click rate", "random"] and found["slates"] == 9
    assert found["scorers"][0]["auc"] == {"value": 0.6, "low": 0.5, "high": 0.7}
    assert found["scorers"][0]["mrr"] == {"value": 0.2, "low": None, "high": None}


def test_candidates_of_one_kind_cannot_be_told_apart() -> None:
    assert "missing" in curves(scored([1, 1], [1.0, 2.0]), np.array(["u"]), None)
    assert "missing" in curves(None, np.array(["u"]), None)


def test_every_recorded_number_is_a_curve_over_its_own_clock() -> None:
    records = [
        {"kind": "step", "stage": "train", "step": 20, "epoch": 1, "seconds": 2.0, "loss": 3.0},
        {"kind": "step", "stage": "train", "step": 40, "epoch": 1, "seconds": 4.0, "loss": 2.0},
        {"kind": "epoch", "stage": "train", "step": 40, "epoch": 1, "seconds": 5.0, "loss": 2.5, "ndcg@10": 0.1},
    ]
    found = {curve["name"]: curve for curve in learning(records)["curves"]}
    assert found["ndcg@10"]["points"] == [[40.0, 0.1]]
    assert found["loss"] == {"name": "loss", "over": "step", "points": [[20.0, 3.0], [40.0, 2.0]]}
    assert learning(records)["seconds"] == 5.0
    assert "missing" in learning([])


def test_many_records_become_means_of_neighbours() -> None:
    curve = learning([{"step": step, "loss": float(step % 2)} for step in range(400)])["curves"][0]
    assert len(curve["points"]) == 200 and curve["points"][0] == [0.5, 0.5]


def test_with_a_salt_the_report_names_no_user() -> None:
    section = worst(shop())
    users = {user["user_id"] for user in section["users"]}
    assert {user["user_id"] for user in masked(section, None)["users"]} == users
    assert users.isdisjoint(user["user_id"] for user in masked(section, "pepper")["users"])


def test_the_worst_users_come_first_with_their_history_and_what_was_ranked() -> None:
    first, second = worst(shop())["users"]
    assert (first["user_id"], first["ndcg@10"], first["history"]) == ("v", 0.0, ["A"])
    assert first["rankings"][0] == {
        "timestamp": 3000,
        "came": "c",
        "rank": 11,
        "events_of_item": 0,
        "ranked": ["A", "B"],
    }
    assert first["rankings"][1]["rank"] is None
    assert first["rankings"][1]["came"] == "d (not in the catalogue)"
    assert second["user_id"] == "u"
