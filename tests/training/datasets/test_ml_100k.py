import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from training.datasets import ml_100k
from training.datasets.ml_100k import FOLDER, write_ml_100k
from training.datasets.tables import DatasetError

TABLES = {
    "inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t2\t3\t20\n2\t1\t5\t10\n1\t1\t4\t10\n",
    "item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "1\tToy Story\t1995\tAnimation Children's\n2\tOld Film\t1940\tDrama\n3\tNobody Knows\tunkonwn\tunknown\n",
    "user": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n1\t24\tM\twriter\t85711\n",
}


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for suffix, text in TABLES.items():
            archive.writestr(f"{FOLDER}/ml-100k.{suffix}", text)
    monkeypatch.setattr(ml_100k, "wheel_bytes", lambda folder: packed.getvalue())


@pytest.mark.usefixtures("wheel")
def test_ratings_come_in_time_order_and_ties_keep_the_files_order(tmp_path: Path) -> None:
    write_ml_100k(tmp_path)
    found = pd.read_parquet(tmp_path / "interactions.parquet")
    assert list(zip(found.user_id, found.item_id, found.timestamp, strict=True)) == [
        ("2", "1", 10_000),
        ("1", "1", 10_000),
        ("1", "2", 20_000),
    ]
    assert found.event_id.is_unique and set(found.action) == {"rating"}


@pytest.mark.usefixtures("wheel")
def test_items_carry_title_genres_and_year(tmp_path: Path) -> None:
    write_ml_100k(tmp_path)
    toy_story, old, unknown = pd.read_parquet(tmp_path / "items.parquet").to_dict("records")
    assert toy_story["title"] == "Toy Story (1995)"
    assert list(toy_story["categories"]) == ["Animation", "Children's"]
    assert list(toy_story["attributes"]) == ["year=1995"]
    assert old["published_at"] == 126_230_400_000  # 1974, the oldest year an event can say
    assert unknown["title"] == "Nobody Knows" and unknown["published_at"] == 0


@pytest.mark.usefixtures("wheel")
def test_a_second_run_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ml_100k(tmp_path)
    before = (tmp_path / "items.parquet").stat().st_mtime_ns
    write_ml_100k(tmp_path)
    assert (tmp_path / "items.parquet").stat().st_mtime_ns == before
    assert "nothing to do" in capsys.readouterr().out


def test_a_wheel_that_is_not_the_known_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recbole-1.2.1.whl").write_bytes(b"something else")
    monkeypatch.setattr(ml_100k.subprocess, "run", lambda *_, **__: ml_100k.subprocess.CompletedProcess([], 0))
    with pytest.raises(DatasetError, match="refusing"):
        ml_100k.wheel_bytes(tmp_path)


def test_the_terms_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str], wheel: None) -> None:
    write_ml_100k(tmp_path)
    assert "no redistribution" in capsys.readouterr().out


@pytest.mark.usefixtures("wheel")
def test_ratings_can_count_as_clicks_and_changing_that_writes_the_tables_again(tmp_path: Path) -> None:
    write_ml_100k(tmp_path)
    write_ml_100k(tmp_path, "click")
    assert set(pd.read_parquet(tmp_path / "interactions.parquet").action) == {"click"}


@pytest.mark.usefixtures("wheel")
def test_a_folder_without_a_dataset_json_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ml_100k(tmp_path)
    (tmp_path / "dataset.json").unlink()
    capsys.readouterr()
    write_ml_100k(tmp_path)
    assert "nothing to do" in capsys.readouterr().out
