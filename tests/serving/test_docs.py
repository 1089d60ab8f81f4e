"""docs/api.md and docs/adapters.md name every route, docs/api.md every setting."""

from pathlib import Path

import pytest

from serving.app import ROUTES
from serving.errors import ANSWERS
from serving.settings import ServingSettings

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "api.md").read_text()


@pytest.mark.parametrize("name", ServingSettings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`FRESHRANK_{name.upper()}`" in PAGE


@pytest.mark.parametrize(("method", "path"), [route[:2] for route in ROUTES])
def test_every_route_is_documented(method: str, path: str) -> None:
    assert f"{method} {path}" in PAGE + (DOCS / "adapters.md").read_text()


def test_every_error_has_an_answer_of_its_own() -> None:
    codes = [code for _, code in ANSWERS.values()]
    assert len(set(codes)) == len(codes)
