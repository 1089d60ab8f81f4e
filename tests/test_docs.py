"""What docs/ says, done."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from feature_repo.vocabulary import ACTIONS
from streaming import broker, events

DOCS = Path(__file__).parents[1] / "docs"
NOW = 1_750_000_000_000


def test_every_topic_is_described() -> None:
    text = (DOCS / "events.md").read_text()
    assert all(f"| `{topic}` |" in text for topic in broker.TOPICS)


@pytest.mark.parametrize("kind", [events.interaction, events.item, events.user], ids=lambda kind: str(kind.__name__))
def test_every_example_message_is_accepted(kind: Callable[[bytes, int], events.Publishable]) -> None:
    text = (DOCS / "events.md").read_text()
    [example] = re.findall(rf"```json {kind.__name__}\n(.*?)```", text, re.DOTALL)
    assert kind(example.encode(), NOW).key in ("7", "42")


def test_every_action_is_described() -> None:
    text = (DOCS / "events.md").read_text()
    assert all(re.search(rf"\b{action}\b", text) for action in ACTIONS)
