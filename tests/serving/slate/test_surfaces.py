"""slate.yaml: what is shipped, and what is refused with the reason."""

import sys
from pathlib import Path

import pytest

from serving.__main__ import main
from serving.slate.slate import Stage
from serving.slate.surfaces import ENDPOINTS, InvalidSurfaces, load

EMPTY = "surfaces: {rank: [], recommend: [], similar: [], search: [], home: [%s]}"


def written(folder: Path, stages: str, text: str = EMPTY) -> Path:
    path = folder / "slate.yaml"
    path.write_text(text % stages if "%s" in text else text)
    return path


def test_the_shipped_file_has_a_surface_for_every_endpoint() -> None:
    assert set(load().surfaces) >= set(ENDPOINTS)


def test_stages_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    home = load(written(tmp_path, "{stage: available}, {stage: cap, by: brand, at_most: 2}")).surfaces["home"]
    assert [type(stage).__struct_config__.tag for stage in home] == ["available", "cap"]
    assert all(isinstance(stage, Stage) for stage in home)


@pytest.mark.parametrize(
    ("stages", "why"),
    [
        ("{stage: availble}", r"surface `home`, stage 1 \(`availble`\): .* stages are available, exclude"),
        ("available", r"surface `home`, stage 1 \(`None`\)"),
        ("{stage: seen, action: [click]}", r"stage 1 \(`seen`\): Object contains unknown field `action`"),
        ("{stage: seen, actions: [clicks]}", r"clicks"),
        ("{stage: seen, actions: [impression]}", "a history does not hold"),
        ("{stage: filter, where: 'price <'}", "cannot be read at character"),
        ("{stage: boost, rules: [{where: price < 3, add: .inf}]}", "finite"),
        ("{stage: diversity, amount: 2}", "<= 1"),
        ("{stage: cap, by: brand}", "at_most"),
        ("{stage: pin, pins: [{item_id: a, position: 0}]}", ">= 1"),
        ("{stage: diversity}, {stage: seen}", "`seen` would undo `diversity`"),
        ("{stage: pin, pins: []}, {stage: cap, by: brand, at_most: 1}", "`cap` would undo `pin`"),
    ],
)
def test_a_mistake_is_refused_with_the_reason(tmp_path: Path, stages: str, why: str) -> None:
    with pytest.raises(InvalidSurfaces, match=why) as refused:
        load(written(tmp_path, stages))
    assert str(tmp_path / "slate.yaml") in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("surfaces: {rank: []}", "no stages for recommend, similar, search"),
        ("surfaces: {", "slate.yaml"),
        ("", "object"),
        ("stages: []", "stages"),
        ("surfaces: {rank: 1}", "array"),
        ("surfaces: [1]", "object"),
        ("1", "object"),
        ("\xff", "slate.yaml"),
    ],
)
def test_a_file_that_says_no_surfaces_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InvalidSurfaces, match=why):
        load(written(tmp_path, "", text))


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidSurfaces, match=r"nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml")


def test_an_api_whose_file_is_wrong_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHRANK_SLATE", str(written(tmp_path, "{stage: nap}")))
    monkeypatch.setattr(sys, "argv", ["serving"])
    with pytest.raises(SystemExit, match=r"the stages of slates cannot be read: .*slate\.yaml: surface `home`"):
        main()
