import json
from pathlib import Path

import pandas as pd
import pytest

from tests.training.datasets.taken import rejected
from training.datasets.__main__ import main

BEHAVIORS = (
    "1\tU1\t11/9/2019 6:42:51 PM\tN1 N2 N1\tN3-0 N4-1 N5-1\n"
    "2\tU1\t11/10/2019 12:00:00 AM\tN1 N2 N1\tN3-1\n"
    "3\tU2\t11/11/2019 1:00:00 AM\t\tN4-0 N1-1\n"
)
NEWS = 'N1\tsports\tracing\tRyan: "Dega\tThis year.\thttps://x\t[]\t[]\nN9\tnews\tnewspolitics\tGrand opening\t\thttps://y\t[]\t[]\n'


def tables(folder: Path, behaviors: str = BEHAVIORS, news: str = NEWS) -> Path:
    (folder / "behaviors.tsv").write_text(behaviors)
    (folder / "news.tsv").write_text(news)
    main(["mind", "--from", str(folder), "--to", str(folder / "to")])
    return folder / "to"


def test_what_was_shown_are_impressions_and_what_was_clicked_clicks_of_the_same_request(tmp_path: Path) -> None:
    found = pd.read_parquet(tables(tmp_path) / "interactions.parquet")
    first = found[found.request_id == "1"]
    assert list(zip(first.item_id, first.action, first.position, strict=True)) == [
        ("N3", "impression", 0),
        ("N4", "impression", 1),
        ("N5", "impression", 2),
        ("N4", "click", 1),
        ("N5", "click", 2),
    ]
    assert first.timestamp.tolist()[0] == pd.Timestamp("2019-11-09T18:42:51Z").value // 10**6
    assert first.timestamp.is_monotonic_increasing and first.timestamp.max() - first.timestamp.min() == 1002


def test_earlier_clicks_come_in_order_in_the_four_weeks_before_the_first_day(tmp_path: Path) -> None:
    found = pd.read_parquet(tables(tmp_path) / "interactions.parquet")
    earlier = found[found.request_id.isna()]
    when = pd.to_datetime(earlier.timestamp, unit="ms")
    assert earlier.item_id.tolist() == ["N1", "N2", "N1"] and set(earlier.action) == {"click"}
    assert when.min() >= pd.Timestamp("2019-10-12") and when.max() < pd.Timestamp("2019-11-09")
    assert earlier.timestamp.is_unique and earlier.event_id.is_unique


def test_the_last_day_is_the_test_window_and_the_day_before_it_the_validation_window(tmp_path: Path) -> None:
    about = json.loads((tables(tmp_path) / "dataset.json").read_text())
    assert about["until"] == "2019-11-10T23:59:59.999+00:00"
    assert about["validation_from"] == "2019-11-10T00:00:00.000+00:00"


def test_items_without_an_entry_have_nothing_but_their_id(tmp_path: Path) -> None:
    items = pd.read_parquet(tables(tmp_path) / "items.parquet").set_index("item_id")
    assert sorted(items.index) == ["N1", "N2", "N3", "N4", "N5", "N9"]
    assert (items.title["N1"], items.text["N1"]) == ('Ryan: "Dega', "This year.")
    assert list(items.categories["N1"]) == ["sports", "racing"]
    assert items.title["N3"] == "" and list(items.categories["N3"]) == []


def test_every_row_is_taken(tmp_path: Path) -> None:
    assert rejected(tables(tmp_path)) == []


@pytest.mark.parametrize(
    ("behaviors", "reason"),
    [
        ("1\tU1\t2019-11-09\t\tN3-0\n", r"line 1 of .*behaviors.tsv.* '2019-11-09'"),
        ("1\tU1\tN3-0\n", r"behaviors.tsv has 3 columns, not the 5 of MIND"),
        (BEHAVIORS.replace("N4-0", "N4"), r"impression 3 shows 'N4', not an item with -0 or -1 behind it"),
        ("1\tU1\t11/9/2019 6:42:51 PM\t\tN3-0\n", r"has 1 days; three are needed"),
    ],
)
def test_what_is_not_mind_is_refused(tmp_path: Path, behaviors: str, reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        tables(tmp_path, behaviors)
