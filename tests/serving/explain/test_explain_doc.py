"""docs/explain.md names every part, and its example is an explanation."""

import re
from pathlib import Path

import msgspec

from serving.answer import ScoredItem
from serving.explain.explain import MOST, UNEXPLAINED
from serving.explain.explanation import Explanation
from serving.explain.parts import GROUPS

PAGE = (Path(__file__).parents[3] / "docs/explain.md").read_text()


def test_every_part_and_field_is_described() -> None:
    assert all(f"| `{name}` |" in PAGE for name in (*GROUPS, *Explanation.__struct_fields__))
    assert UNEXPLAINED in PAGE and f"first {MOST} items" in PAGE


def test_the_example_is_one() -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    item = msgspec.json.decode(example, type=ScoredItem)
    assert item.explanation and set(item.explanation.features) <= set(GROUPS)
