"""What docs/ says, done."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import serving.app
import serving.metrics
import streaming.metrics
from feature_repo.vocabulary import ACTIONS
from streaming import broker, events

DOCS = Path(__file__).parents[1] / "docs"
NOW = 1_750_000_000_000


def test_every_metric_is_described_and_no_other() -> None:
    counted = {
        family.name for kind in (streaming.metrics, serving.metrics) for family in kind.Metrics().registry.collect()
    }
    gauges = re.findall(r'metrics\.(?:gauge|counter)\(\s*"(\w+)"', Path(serving.app.__file__).read_text())
    asked = {"freshrank_worker_lag_events"}  # of the broker, when Prometheus asks
    described = set(re.findall(r"^\| `(freshrank_\w+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE))
    assert described == counted | {f"freshrank_{name}" for name in gauges} | asked


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
