"""The contract of OnlineRows, kept by the real one on a real Redis and by the tests' stand-in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from feast import FeatureStore, FeatureView

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo import features
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from tests.fakes import MemoryRows

Open = Callable[[FeatureView], OnlineRows | MemoryRows]
STAMP = 1_750_000_000_123_457  # microseconds
WITHIN = 1  # Feast hands a stamp back as a float

VALUES: dict[str, dict[str, Any]] = {
    "user_profile": {"user_attributes": ["gender=F", "città=Àlà"]},
    "user_activity": {
        "history_item_ids": ["a", "b"],
        "history_actions": [1, 8],
        "history_timestamps": [1_750_000_000_123, 1_750_000_000_124],
        "user_actions_1h": [0.1, 1e-300],
        "user_actions_1d": [],
        "user_actions_7d": [1 / 3] * 8,
        "user_activity_at": 1_750_000_000_124,
        "user_session_events": 2,
        "user_categories": ["war"],
        "user_category_weights": [0.1 + 0.2],
        "user_ledger": bytes(range(256)),
        "user_written_at": 1_750_000_000_150,
    },
    "item_content": {
        "item_title": "Léon",
        "item_text": "",
        "item_categories": [],
        "item_attributes": ["year=1994"],
        "item_image_vector": [0.1 + 0.2, -1e6],
        "item_audio_vector": [],
        "item_published_at": -1_356_220_800_000,
        "item_available": False,
    },
    "item_activity": {
        "item_actions_1h": [0.0] * 8,
        "item_actions_1d": [2.5] * 8,
        "item_actions_7d": [1e9] * 8,
        "item_activity_at": 0,
        "item_ctr_7d": 0.05,
        "item_ledger": b"",
        "item_written_at": 0,
    },
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureStore]:
    environment = free_environment(tmp_path_factory.mktemp("online"))
    with running(environment, ["online-store"]):
        data_dir = Path(environment["FRESHRANK_DATA_DIR"])
        opened = open_store(StoreSettings(redis=environment["FRESHRANK_REDIS"], data_dir=data_dir))
        apply(opened)
        yield opened


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.process)])
def open_rows(request: pytest.FixtureRequest) -> Open:
    if request.param == "memory":
        return MemoryRows
    store: FeatureStore = request.getfixturevalue("store")
    return lambda view: OnlineRows(store, view)


def row(entity_id: str, stamp: int, title: str) -> Row:
    return Row(entity_id, stamp, VALUES["item_content"] | {"item_title": title})


def titles(rows: OnlineRows | MemoryRows, *entity_ids: str) -> list[str]:
    read = rows.read(entity_ids)
    return [read[entity_id].values["item_title"] for entity_id in entity_ids if entity_id in read]


@pytest.mark.parametrize("view", features.VIEWS, ids=lambda view: str(view.name))
def test_every_type_comes_back_as_it_was_written(open_rows: Open, view: FeatureView) -> None:
    rows = open_rows(view)
    rows.write([Row("round trip", STAMP, VALUES[view.name])])
    read = rows.read(["round trip"])["round trip"]
    assert read.values == VALUES[view.name]
    assert {name: type(value) for name, value in read.values.items()} == {
        name: type(value) for name, value in VALUES[view.name].items()
    }


def test_an_unknown_entity_is_absent(open_rows: Open) -> None:
    rows = open_rows(features.item_content)
    rows.write([row("known", STAMP, "a")])
    assert list(rows.read(["nobody", "known"])) == ["known"]
    assert rows.read([]) == {}


def test_a_newer_row_replaces_an_older_one(open_rows: Open) -> None:
    rows = open_rows(features.item_content)
    rows.write([row("newer", STAMP, "first")])
    rows.write([row("newer", STAMP + 1, "second")])
    assert titles(rows, "newer") == ["second"]


@pytest.mark.parametrize("earlier", [0, 1, 10**12])
def test_an_older_or_equal_row_is_ignored(open_rows: Open, earlier: int) -> None:
    rows = open_rows(features.item_content)
    rows.write([row(f"older {earlier}", STAMP, "first")])
    rows.write([row(f"older {earlier}", STAMP - earlier, "second")])
    assert titles(rows, f"older {earlier}") == ["first"]


def test_of_several_rows_in_one_batch_the_newest_stays(open_rows: Open) -> None:
    rows = open_rows(features.item_content)
    rows.write([row("batch", STAMP, "a"), row("batch", STAMP + 2, "c"), row("batch", STAMP + 1, "b")])
    assert titles(rows, "batch") == ["c"]


def test_stamps_survive_within_a_microsecond(open_rows: Open) -> None:
    rows = open_rows(features.item_content)
    stamps = {f"stamp {n}": 1_750_000_000_000_000 + 7_919_000_123 * n + n for n in range(200)}
    rows.write([row(entity_id, stamp, "") for entity_id, stamp in stamps.items()])
    read = rows.read(list(stamps))
    assert max(abs(read[entity_id].stamp - stamp) for entity_id, stamp in stamps.items()) <= WITHIN


def test_one_column_can_be_read_alone(open_rows: Open) -> None:
    rows = open_rows(features.item_content)
    rows.write([row("column", STAMP, "a")])
    assert rows.read(["column"], ["item_title"])["column"].values == {"item_title": "a"}


def test_views_of_one_entity_do_not_touch_each_other(open_rows: Open) -> None:
    contents, activities = open_rows(features.item_content), open_rows(features.item_activity)
    contents.write([row("both", STAMP, "a")])
    assert activities.read(["both"]) == {}
    activities.write([Row("both", STAMP - 5, VALUES["item_activity"])])
    assert titles(contents, "both") == ["a"]


def test_nothing_to_write_is_written(open_rows: Open) -> None:
    rows = open_rows(features.item_content)
    rows.write([])
    assert rows.read(["nobody wrote this"]) == {}
