import json
from pathlib import Path

import pandas as pd
import pytest

from tests.training.datasets.taken import rejected
from training.datasets.__main__ import main

EVENTS = "user_id,item_id,pos\nA,x,0\nA,y,1\nA,z,2\nB,z,1\nB,x,0\n"
ITEMS = "item_id,title,keywords\nx,Red Lipstick,red lipstick\ny,,\n"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "items.csv").write_text(ITEMS)
    main(["amazon-beauty", "--from", str(tmp_path), "--to", str(tmp_path / "to")])
    return tmp_path / "to"


def test_leaving_the_last_events_out_is_a_cut_in_time(tables: Path) -> None:
    about = json.loads((tables / "dataset.json").read_text())
    found = pd.read_parquet(tables / "interactions.parquet")
    when = pd.to_datetime(found.timestamp, unit="ms", utc=True)
    assert about["protocol"] == "leave-one-out"
    assert set(found[when > about["until"]].event_id) == {"beauty/A/2", "beauty/B/1"}
    validation = (when >= about["validation_from"]) & (when <= about["until"])
    assert set(found[validation].event_id) == {"beauty/A/1", "beauty/B/0"}


def test_the_order_of_each_user_is_kept_a_day_apart(tables: Path) -> None:
    found = pd.read_parquet(tables / "interactions.parquet")
    assert found[found.user_id == "A"].item_id.tolist() == ["x", "y", "z"]
    assert set(found[found.user_id == "A"].timestamp.diff().dropna()) == {86_400_000}


def test_items_have_their_text_and_unknown_ones_nothing(tables: Path) -> None:
    items = pd.read_parquet(tables / "items.parquet").set_index("item_id")
    assert (items.title["x"], items.text["x"]) == ("Red Lipstick", "red lipstick")
    assert items.title["y"] == items.title["z"] == ""


def test_every_row_is_taken(tables: Path) -> None:
    assert rejected(tables) == []


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,item_id,pos\n")
    (tmp_path / "items.csv").write_text(ITEMS)
    with pytest.raises(SystemExit, match=r"events.csv has no column user_id; it has user, item_id, pos"):
        main(["amazon-beauty", "--from", str(tmp_path), "--to", str(tmp_path / "to")])
