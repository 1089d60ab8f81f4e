"""The page: HTML that parses, needs no network, and shows the texts of others as text."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.training.report.made import random_evidence
from training.report.__main__ import write
from training.report.build import SECTIONS, build
from training.report.evidence import Evidence, Item
from training.report.page import render

NOTHING = {
    "tuning": {"against": {"missing": "No other."}, "texts": {"missing": "None."}},
    "importance": {"missing": "-"},
}
VOID = {"meta", "br", "link", "img", "hr", "input"}
BARE = {"line", "circle", "rect", "polyline"}


class Nesting(HTMLParser):
    """Sees to it that every element that opens closes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in BARE

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(evidence: Evidence) -> str:
    return render(build(evidence, **NOTHING))


def read(page: str) -> Nesting:
    nesting = Nesting()
    nesting.feed(page)
    assert nesting.open == []
    return nesting


def test_the_page_is_well_nested_and_its_contents_lead_somewhere() -> None:
    nesting = read(page_of(random_evidence()))
    assert {link.removeprefix("#") for link in nesting.links} == set(nesting.ids)


def test_the_page_needs_no_network_and_runs_no_script() -> None:
    page = page_of(random_evidence())
    assert "http:" not in page and "https:" not in page and "url(" not in page and "@import" not in page
    assert "<script" not in page and "default-src 'none'" in page
    assert len(page) < 500_000


def test_titles_ids_and_names_are_shown_as_text() -> None:
    evil = "<script>alert(1)</script>\"'&"
    evidence = random_evidence(scorers=("model", evil))
    evidence.items.update({item_id: Item(evil, (evil,)) for item_id in evidence.items})
    evidence.cases["user_id"] = evil + evidence.cases["user_id"]
    evidence.cases["target_category"] = evidence.cases["device"] = evil
    evidence.made["config"]["encoder"] = evil
    page = page_of(evidence)
    assert "<script" not in page and page.count("&lt;script&gt;") > 20
    read(page)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"scored": None}, "There is no scored-test.parquet beside the run, so there are no scores to draw."),
        ({"learned": []}, "The run kept no record of its training."),
        ({"made": {"config": {}, "snapshot_id": "x"}}, ">none<"),
    ],
    ids=["scored", "learned", "made"],
)
def test_what_is_missing_is_said(change: dict[str, Any], said: str) -> None:
    page = page_of(replace(random_evidence(), **change))
    read(page)
    assert said in page and said not in page_of(random_evidence())


def test_one_case_of_one_user_without_baselines_or_tops_still_makes_a_page() -> None:
    evidence = random_evidence(cases=1, users=1, scorers=("model",))
    evidence.cases.drop(columns=["top_model", "device"], inplace=True)
    page = page_of(evidence)
    read(page)
    assert "hold no baseline" in page and "no interval: one user" in page and "not known" in page


def test_the_page_and_its_numbers_are_written_side_by_side(tmp_path: Path) -> None:
    made = build(random_evidence(), **NOTHING)
    numbers = write(made, tmp_path / "new" / "report.html")
    assert numbers == tmp_path / "new" / "report.json"
    kept = json.loads(numbers.read_text())
    assert kept["schema"] == "freshrank.report/1"
    assert set(kept) == {"schema", "made", "run", "tuning", "importance", *SECTIONS}
