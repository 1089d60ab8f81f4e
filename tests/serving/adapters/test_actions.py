"""Foreign names of actions."""

import re

import pytest

from serving.adapters.actions import ACTIONS, action_of
from serving.settings import ServingSettings
from streaming.events import InvalidEvent
from tests.serving.adapters.bodies import PAGE


def test_an_unknown_action_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidEvent, match=r"'listen'.*add_to_cart, buy.*FRESHRANK_FOREIGN_ACTIONS"):
        action_of("listen", ACTIONS)


def test_the_environment_adds_names_and_goes_before_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHRANK_FOREIGN_ACTIONS", '{"listen": "view", "read": "impression"}')
    known = ACTIONS | ServingSettings().foreign_actions
    assert (action_of("listen", known), action_of("read", known), action_of("star", known)) == (
        "view",
        "impression",
        "like",
    )


def test_the_environment_cannot_name_an_action_of_ours_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHRANK_FOREIGN_ACTIONS", '{"listen": "hear"}')
    with pytest.raises(ValueError, match="foreign_actions"):
        ServingSettings()


def test_the_page_has_the_table() -> None:
    rows = re.findall(r"^\| (`.*`) \| (\w+) \|$", PAGE, re.MULTILINE)
    written = {name: ours for theirs, ours in rows for name in re.findall(r"`(\w+)`", theirs)}
    assert written == ACTIONS
