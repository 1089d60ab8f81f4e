"""What docs/ says, done."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feature_repo.features import VIEWS
from feature_repo.inputs import user_inputs
from feature_repo.user_activity import UserActivity, advance, to_row
from feature_repo.vocabulary import ACTIONS
from streaming import broker, events

DOCS = Path(__file__).parents[1] / "docs"
NOW = 1_750_000_000_000
CLICK = ACTIONS.index("click")


def at(hour: int) -> int:
    return int(datetime(2026, 3, 2, hour, tzinfo=UTC).timestamp() * 1000)


def test_the_worked_example_of_the_counters() -> None:
    activity = advance(advance(UserActivity(), "a", "click", at(12)), "b", "click", at(13))
    row = to_row(activity)
    stored = [row["user_actions_1h"][CLICK], row["user_actions_1d"][CLICK]]
    inputs = user_inputs({}, row, at(15), lambda item_ids: 0)  # type: ignore[arg-type, return-value]
    read = [float(inputs["user_actions_1h"][CLICK]), float(inputs["user_actions_1d"][CLICK])]
    text = (DOCS / "features.md").read_text()
    assert f"this is stored | {stored[0]:.4g} | {stored[1]:.5g} |" in text
    assert f"as the ranker reads it | {read[0]:.4g} | {read[1]:.5g} |" in text
    assert advance(advance(UserActivity(), "b", "click", at(13)), "a", "click", at(12)) == activity


def test_every_view_is_described() -> None:
    text = (DOCS / "features.md").read_text()
    assert all(f"| `{view.name}` |" in text for view in VIEWS)


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
