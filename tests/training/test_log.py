import pandas as pd
import pytest

from feature_repo.settings import StoreSettings
from training.log import EmptyLog, entities, interactions


def test_a_row_that_was_logged_twice_is_one_interaction(settings: StoreSettings) -> None:
    folder = settings.offline_folder("interactions")
    before = interactions(settings)
    pd.read_parquet(folder / "part-0.parquet")[:5].to_parquet(folder / "part-1.parquet", index=False)
    try:
        assert interactions(settings).equals(before)
    finally:
        (folder / "part-1.parquet").unlink()


def test_interactions_come_in_time_order_from_after_one_time_until_another(settings: StoreSettings) -> None:
    times = interactions(settings).timestamp
    begin, end = int(times.iloc[10]), int(times.iloc[60])
    found = interactions(settings, begin, end).timestamp
    assert found.is_monotonic_increasing and begin < found.min() and found.max() == end


def test_entities_of_all_tables_are_listed_once(settings: StoreSettings) -> None:
    assert entities(settings, "item_id", ("item_content", "interactions")) == sorted(f"i{item}" for item in range(12))


def test_an_empty_log_says_what_to_run(settings: StoreSettings, tmp_path: object) -> None:
    with pytest.raises(EmptyLog, match=r"streaming\.backfill"):
        interactions(settings.model_copy(update={"data_dir": tmp_path}))


def test_a_log_of_before_contexts_were_kept_reads_as_without(settings: StoreSettings) -> None:
    folder = settings.offline_folder("interactions")
    before = interactions(settings)
    assert set(before.context) == {""}
    row = pd.read_parquet(folder / "part-0.parquet")[:1].assign(event_id="new", context='{"device":"tv"}')
    row.to_parquet(folder / "part-1.parquet", index=False)
    try:
        found = interactions(settings)
    finally:
        (folder / "part-1.parquet").unlink()
    assert len(found) == len(before) + 1
    assert set(found.context[found.event_id != "new"]) == {""}
    assert found.context[found.event_id == "new"].tolist() == ['{"device":"tv"}']
