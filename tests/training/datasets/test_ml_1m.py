import json
from pathlib import Path

import pandas as pd
import pytest

from tests.training.datasets.taken import rejected
from training.datasets.__main__ import main

EVENTS = {
    "user_id": [1, 1, 1, 2, 2],
    "item_id": [10, 30, 20, 20, 10],
    "timestamp": [978_000_000, 978_000_000, 978_000_000, 977_000_000, 979_000_000],
    "rating": pd.array([4, None, 5, 1, 3], "Int8"),
    "pos": [2, 0, 1, 0, 1],
}
MOVIES = (
    "10::Toy Story (1995)::Animation|Comedy\n20::Caf\xe9 (1931)::Drama\n30::Nameless::Drama\n40::Unseen (1990)::War\n"
)
USERS = "1::F::1::10::48067\n2::M::56::16::70072\n"
CATALOGUE = [
    {
        "id": 10,
        "overview": "Toys live.",
        "tags": ["pixar", "toys"],
        "director": {"name": "John Lasseter", "id": 7},
        "topActors": [{"name": "Tom Hanks"}],
    },
    {"id": 20, "overview": None, "tags": [], "director": None},
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    pd.DataFrame(EVENTS).to_parquet(folder / "events.parquet")
    (folder / "movies.dat").write_text(MOVIES, encoding="latin-1")
    (folder / "users.dat").write_text(USERS)
    return folder


def test_events_of_one_second_keep_their_order_as_milliseconds(source: Path, tmp_path: Path) -> None:
    main(["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")])
    found = pd.read_parquet(tmp_path / "to/interactions.parquet")
    assert found.timestamp.tolist() == [
        977_000_000_000,
        978_000_000_000,
        978_000_000_001,
        978_000_000_002,
        979_000_000_000,
    ]
    assert found.item_id.tolist() == ["20", "30", "20", "10", "10"]
    assert found.value.isna().tolist() == [False, True, False, False, False] and set(found.action) == {"click"}


def test_the_cut_takes_in_the_whole_second_of_the_share(source: Path, tmp_path: Path) -> None:
    main(["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")])
    about = json.loads((tmp_path / "to/dataset.json").read_text())
    assert about["until"] == "2000-12-30T18:13:20.999+00:00"  # 0.8 of 978,000,000 and 0.2 of 979,000,000 seconds
    assert about["protocol"] == "streaming" and "no redistribution" in about["terms"]


def test_films_without_an_event_are_left_out_and_latin_letters_are_read(source: Path, tmp_path: Path) -> None:
    main(["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")])
    items = pd.read_parquet(tmp_path / "to/items.parquet").set_index("item_id")
    assert items.title.to_dict() == {"10": "Toy Story (1995)", "20": "Café (1931)", "30": "Nameless"}
    assert list(items.attributes["10"]) == ["year=1995"] and items.published_at["30"] == 0
    users = pd.read_parquet(tmp_path / "to/users.parquet")
    assert list(users.attributes[0]) == ["gender=F", "occupation=K-12 student", "age=under-18"]


def test_richer_text_comes_from_the_catalogue(source: Path, tmp_path: Path) -> None:
    catalogue = tmp_path / "movies.json"
    catalogue.write_text(json.dumps(CATALOGUE))
    main(["ml-1m", "--from", str(source), "--text", str(catalogue), "--to", str(tmp_path / "to")])
    items = pd.read_parquet(tmp_path / "to/items.parquet").set_index("item_id")
    assert items.text["10"] == "pixar, toys. directed by John Lasseter, with Tom Hanks. Toys live."
    assert list(items.attributes["10"]) == ["year=1995", "director=John Lasseter", "actor=Tom Hanks"]
    assert items.text["20"] == "" and items.text["30"] == ""


def test_every_row_is_taken(source: Path, tmp_path: Path) -> None:
    main(["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")])
    assert rejected(tmp_path / "to") == []


def test_a_second_run_has_nothing_to_do_until_a_file_changes(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")]
    main(command)
    main(command)
    assert "nothing to do" in capsys.readouterr().out
    (source / "users.dat").write_text(USERS + "3::F::25::0::1\n")
    main(command)
    assert "nothing to do" not in capsys.readouterr().out


def test_missing_files_and_columns_and_odd_lines_are_named(source: Path, tmp_path: Path) -> None:
    (source / "movies.dat").write_text("10::Toy Story\n")
    with pytest.raises(SystemExit, match=r"line 1 of .*movies.dat has not 3 cells"):
        main(["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")])
    pd.DataFrame(EVENTS).drop(columns="pos").to_parquet(source / "events.parquet")
    with pytest.raises(SystemExit, match=r"events.parquet has no column pos; it has user_id, item_id"):
        main(["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")])
    (source / "users.dat").unlink()
    with pytest.raises(SystemExit, match=r"has no users.dat: --from names the folder"):
        main(["ml-1m", "--from", str(source), "--to", str(tmp_path / "to")])


def test_a_catalogue_of_another_shape_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "movies.json").write_text('[{"name": "Toy Story"}]')
    with pytest.raises(SystemExit, match=r"is not RankLens' movies.json: .*`id`"):
        main(["ml-1m", "--from", str(source), "--text", str(tmp_path / "movies.json"), "--to", str(tmp_path / "to")])
