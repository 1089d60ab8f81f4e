"""Where the quality benchmark cuts a data set, what it tells its steps, and what it makes of their numbers."""

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.quality import Place, alone, flags_of, parser, report
from benchmarks.quality_cut import Cut, NoTables, cut_of, identity
from benchmarks.quality_table import page, summary
from benchmarks.steps import StepFailed

DAY = 86_400_000


def tables(folder: Path, about: dict[str, str] | None = None) -> Path:
    """A click a day from the epoch's day 10,000 on, and one impression."""
    events = [{"action": "click", "timestamp": (10_000 + day) * DAY} for day in range(10)]
    pd.DataFrame([*events, {"action": "impression", "timestamp": 10_008 * DAY}]).to_parquet(
        folder / "interactions.parquet"
    )
    if about:
        (folder / "dataset.json").write_text(json.dumps(about))
    return folder


def test_a_data_set_says_where_it_is_cut(tmp_path: Path) -> None:
    about = {"name": "shop", "until": "1997-05-27T00:00:00+00:00", "validation_from": "1997-05-25T00:00:00+00:00"}
    cut = cut_of(tables(tmp_path, about | {"protocol": "leave-one-out"}), ["click"])
    assert cut == Cut("shop", "1997-05-27T00:00:00+00:00", 3 / 9, "leave-one-out")  # days 6, 7 and 8 of 0 to 8


def test_without_its_own_cut_it_is_at_the_usual_share_of_the_events(tmp_path: Path) -> None:
    assert cut_of(tables(tmp_path), ["click"]) == Cut(tmp_path.name, "0.8", None, "streaming")


def test_a_folder_without_tables_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NoTables, match=r"no interactions.parquet: python -m training.datasets"):
        cut_of(tmp_path, ["click"])


def test_tables_that_were_written_anew_are_others(tmp_path: Path) -> None:
    before = identity(tables(tmp_path))
    pd.DataFrame({"action": ["click"]}).to_parquet(tmp_path / "interactions.parquet")
    assert identity(tmp_path) != before


def test_settings_become_flags_of_their_step() -> None:
    flags = flags_of(["train.epochs=20", "train.final_epochs=0", "snapshot.as_written=true", "train.gaps=false"])
    assert flags["train"] == ["--epochs", "20", "--final-epochs", "0", "--no-gaps"]
    assert flags["snapshot"] == ["--as-written"] and flags["evaluate"] == []


@pytest.mark.parametrize("setting", ["epochs=20", "train.epochs", "learn.epochs=20"])
def test_a_setting_without_a_step_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=r"write step.name=value"):
        flags_of([setting])


def test_a_step_that_is_neither_done_nor_asked_for_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path, {}, frozenset({"evaluate"}))
    with pytest.raises(StepFailed, match=r"train-1 is not done with these arguments: add train to --steps"):
        place.ensure("train", "train-1", ["training.train"], "")


def test_an_unknown_step_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["shop", "--steps", "train,bake"])
    assert "bake: the steps are backfill" in capsys.readouterr().err


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(StepFailed, match="another run works in"), alone(tmp_path):
        pass


TABLES = [
    {"model": {"ndcg@10": 0.2, "ndcg@10_se": 0.01, "cases": 9}, "popularity": {"ndcg@10": 0.1, "cases": 9}},
    {"model": {"ndcg@10": 0.4, "ndcg@10_se": 0.03, "cases": 9}, "popularity": {"ndcg@10": 0.1, "cases": 9}},
]


def test_seeds_are_averaged_and_their_spread_is_told() -> None:
    rows = summary(TABLES)
    assert rows["model"]["ndcg@10"] == pytest.approx(0.3) and rows["model"]["ndcg@10_se"] == pytest.approx(0.02)
    assert rows["model"]["sd"] == pytest.approx(0.1414, abs=1e-4) and rows["popularity"]["sd"] == 0
    assert page("shop", rows).splitlines()[-1].startswith("model") and "(2)" in page("shop", rows)


def test_results_say_where_when_and_of_what(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    text = report(
        tmp_path, Cut("shop", "0.8", None, "streaming"), {0: {"test": TABLES[0]}, 1: {"test": TABLES[1]}}, ["shop"]
    )
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["test"]["model"]["ndcg@10"] == pytest.approx(0.3) and "validation" not in found
    assert {"machine", "date", "commit", "arguments", "steps", "seeds", "dataset"} <= set(found)
    assert "shop, test: 9 cases" in text


def test_slates_are_told_by_their_auc(tmp_path: Path) -> None:
    slates = {"test_impressions": {"model": {"ndcg@10": 0.5, "auc": 0.75}}}
    text = report(tmp_path, Cut("shop", "0.8", None, "streaming"), {0: slates}, ["shop"])
    assert "shop, test window, impressions" in text and "AUC" in text and "0.7500" in text
