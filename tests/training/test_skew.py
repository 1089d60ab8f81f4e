"""Rankings of the tiny shop against its own history, through Feast."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from feast import FeatureStore

from feature_repo.rankings import LOGGED, LoggedRanking
from feature_repo.settings import StoreSettings
from feature_repo.vocabulary import HALF_LIVES
from tests.training.logged import asked, faithful, planted
from tests.training.tiny import BEGIN, HOUR
from training import skew
from training.hindsight import at_stamps
from training.rankings import NoRankings, from_parquet, to_parquet
from training.skew import check, page, verdict

ITEMS = [f"i{number}" for number in range(6)]
CONTENT = BEGIN * 1000 - 1


class Shop:
    """The shop's history of one user and of ITEMS."""

    def __init__(self, store: FeatureStore, settings: StoreSettings) -> None:
        self.store = store
        rows = pd.read_parquet(settings.offline_folder("user_activity"))
        self.stamps = rows[rows.user_id == "u0"].event_timestamp.astype("datetime64[us, UTC]").astype("int64").tolist()

    def rankings(self, *moments: tuple[int, int]) -> list[LoggedRanking]:
        """What a server saw that had the user's row of a stamp at an instant, and the items' rows of that time."""
        stamps = {"user_profile": CONTENT, "item_content": CONTENT}
        rankings = [
            asked("u0", ITEMS, instant, stamps | {"user_activity": stamp, "item_activity": instant})
            for stamp, instant in moments
        ]
        return list(map(faithful, rankings, at_stamps(self.store, rankings)))

    def ranking(self, stamp: int, instant: int) -> LoggedRanking:
        """One of them."""
        return self.rankings((stamp, instant))[0]

    def check(self, *rankings: LoggedRanking) -> dict[str, Any]:
        return check(self.store, rankings, 1e-4)


@pytest.fixture(scope="module")
def shop(store: FeatureStore, settings: StoreSettings) -> Shop:
    return Shop(store, settings)


@pytest.fixture(scope="module")
def honest(shop: Shop) -> LoggedRanking:
    return shop.ranking(shop.stamps[3], shop.stamps[3])


def test_a_faithful_log_has_no_skew(shop: Shop) -> None:
    found = shop.check(*shop.rankings(*((stamp, stamp + 5_000) for stamp in shop.stamps)))
    assert found["skewed"] == [] and found["rankings"] == len(shop.stamps)
    assert found["features"]["item_ctr_7d"] == {
        "compared": 6 * len(shop.stamps),
        "max_difference": 0.0,
        "skewed": 0,
        "stale": 0,
        "ahead": 0,
        "stale_age_ms": None,
    }
    assert verdict(found).startswith("no skew above 0.0001")


def test_the_context_is_that_of_the_logged_request(shop: Shop, honest: LoggedRanking) -> None:
    asked_on_tv = msgspec.structs.replace(honest, context={"device": "tv", "query": "tea"})
    seen = faithful(asked_on_tv, at_stamps(shop.store, [asked_on_tv])[0])
    assert seen.tensor("request_context").any()
    assert shop.check(seen)["skewed"] == []
    assert shop.check(msgspec.structs.replace(seen, context={"device": "phone"}))["skewed"] == ["request_context"]


def test_a_planted_error_is_found_whatever_the_feature(shop: Shop, honest: LoggedRanking) -> None:
    found = shop.check(honest, *(planted(honest, name, 0, 1) for name in LOGGED))
    assert found["skewed"] == sorted(LOGGED)
    assert all(found["features"][name]["skewed"] == 1 for name in LOGGED)
    assert verdict(found).startswith("SKEW above 0.0001 in history_actions, history_gaps, ")


def test_another_history_is_skew(shop: Shop, honest: LoggedRanking) -> None:
    other = msgspec.structs.replace(honest, history_item_ids=["i0", "i9"])
    assert shop.check(other)["skewed"] == ["history_item_ids"]


def test_a_number_that_is_none_is_skew(shop: Shop, honest: LoggedRanking) -> None:
    broken = planted(honest, "item_ctr_7d", 2, float("nan"))
    assert shop.check(broken)["skewed"] == ["item_ctr_7d"]


def test_what_is_below_the_tolerance_is_none(shop: Shop, honest: LoggedRanking) -> None:
    found = shop.check(planted(honest, "item_ctr_7d", 0, 5e-5))
    assert found["skewed"] == [] and 4e-5 < found["features"]["item_ctr_7d"]["max_difference"] < 6e-5


def test_a_row_that_was_not_the_newest_is_stale_and_no_skew(shop: Shop) -> None:
    found = shop.check(shop.ranking(shop.stamps[2], shop.stamps[4] + 250_000))
    history = found["features"]["history_item_ids"]
    assert found["skewed"] == []
    assert (history["stale"], history["ahead"], history["max_difference"]) == (1, 0, 0.0)
    assert history["stale_age_ms"] == {"p50": 250.0, "max": 250.0}
    assert all(found["features"][f"user_actions_{window}"]["stale"] == 1 for window in HALF_LIVES)
    assert found["features"]["item_ctr_7d"]["stale"] == 0


def test_an_error_in_a_stale_row_is_skew_all_the_same(shop: Shop) -> None:
    found = shop.check(planted(shop.ranking(shop.stamps[2], shop.stamps[4]), "user_actions_7d", 0, 1))
    assert found["skewed"] == ["user_actions_7d"]


def test_a_row_stamped_later_than_the_decision_is_ahead_and_no_skew(shop: Shop) -> None:
    found = shop.check(shop.ranking(shop.stamps[4], shop.stamps[4] - 1000))
    assert found["skewed"] == []
    assert found["features"]["history_item_ids"]["ahead"] == 1


def test_a_stranger_and_unknown_items_are_compared_too(shop: Shop) -> None:
    nothing = {"user_profile": 0, "user_activity": 0, "item_content": 0, "item_activity": 0}
    ranking = asked("stranger", ["nobody-knows"], shop.stamps[4], nothing)
    found = shop.check(faithful(ranking, at_stamps(shop.store, [ranking])[0]))
    assert found["skewed"] == [] and found["features"]["item_ctr_7d"]["compared"] == 1


def test_a_user_who_was_away_for_a_quarter_has_no_activity_on_either_side(shop: Shop) -> None:
    last = shop.stamps[-1]
    found = shop.check(shop.ranking(last, last + 100 * 24 * HOUR * 1000))
    assert found["skewed"] == []
    assert found["features"]["user_item_affinity"]["stale"] == 0


def test_the_page_has_a_line_for_every_feature(shop: Shop) -> None:
    text = page(shop.check(shop.ranking(shop.stamps[2], shop.stamps[4])))
    assert all(f"\n{name} " in text for name in (*LOGGED, "history_item_ids"))
    assert text.splitlines()[-1].startswith("no skew above 0.0001 of ")


def test_a_kept_sample_comes_back_and_is_checked(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rankings = shop.rankings(*((stamp, stamp) for stamp in shop.stamps[:5]))
    to_parquet(rankings, tmp_path / "kept.parquet")
    assert from_parquet(tmp_path / "kept.parquet", 99) == sorted(rankings, key=lambda each: each.instant)
    assert len(from_parquet(tmp_path / "kept.parquet", 3)) == 3
    with pytest.raises(SystemExit) as ended:
        skew.main(["--rankings", str(tmp_path / "kept.parquet"), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["rankings"] == 5


def test_the_check_of_a_planted_error_ends_with_exit_code_one(
    shop: Shop, honest: LoggedRanking, tmp_path: Path
) -> None:
    to_parquet([planted(honest, "item_ctr_7d", 0, 1)], tmp_path / "bad.parquet")
    with pytest.raises(SystemExit) as ended:
        skew.main(["--rankings", str(tmp_path / "bad.parquet")])
    assert ended.value.code == 1


def test_without_rankings_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoRankings, match="--export"):
        from_parquet(tmp_path / "none.parquet", 10)
    to_parquet([], tmp_path / "empty.parquet")
    with pytest.raises(SystemExit, match="has no rankings"):
        skew.main(["--rankings", str(tmp_path / "empty.parquet")])


def test_rankings_of_other_features_are_refused_by_name(honest: LoggedRanking, tmp_path: Path) -> None:
    without = {name: each for name, each in honest.tensors.items() if name != "item_ctr_7d"}
    to_parquet([msgspec.structs.replace(honest, tensors=without)], tmp_path / "old.parquet")
    with pytest.raises(NoRankings, match="other features: item_ctr_7d"):
        from_parquet(tmp_path / "old.parquet", 1)


def test_an_example_names_ranking_user_item_and_both_values(shop: Shop, honest: LoggedRanking) -> None:
    altered = planted(honest, "item_ctr_7d", 5, 1)
    [example] = shop.check(altered)["examples"]
    assert example.startswith("item_ctr_7d: ranking r-1 of user 'u0', item 'i5' saw 1.")
    assert ", Feast's history has 0." in example
