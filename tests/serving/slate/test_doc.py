"""docs/slate.md says what is true: its stages are read, all of them are there, its filters are understood."""

import re
from pathlib import Path

import msgspec
import pytest

from serving.slate.expression import parse
from serving.slate.run import STAGES
from serving.slate.surfaces import AnyStage, Surfaces

TEXT = (Path(__file__).parents[3] / "docs/slate.md").read_text()
WHOLE, *EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
FILTERS = [row for row in re.findall(r"^\| `(.+?)` \|", TEXT, re.MULTILINE)]


def test_the_example_of_a_file_is_one() -> None:
    assert "email" in msgspec.yaml.decode(WHOLE, type=Surfaces).surfaces


def test_every_stage_has_an_example_with_all_of_its_settings() -> None:
    shown: dict[str, set[str]] = {}
    for example in EXAMPLES:
        for stage in msgspec.yaml.decode(example, type=list[AnyStage]):
            tag = str(type(stage).__struct_config__.tag)
            shown.setdefault(tag, set()).update(name for name in type(stage).__struct_fields__ if f"{name}:" in example)
    wanted = {str(kind.__struct_config__.tag): set(kind.__struct_fields__) for kind in STAGES}
    assert shown == wanted | {"available": set()}  # its only setting is in its sentence
    assert "published: false" in TEXT


@pytest.mark.parametrize("text", FILTERS)
def test_every_filter_is_understood(text: str) -> None:
    assert parse(text).text == text


def test_there_are_filters() -> None:
    assert len(FILTERS) > 9
