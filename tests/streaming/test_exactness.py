"""Events repeated, delayed, redelivered, cut short by crashes: every feature is that of the clean, ordered stream."""

import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo import item_activity, user_activity
from feature_repo.item_activity import ItemActivity
from feature_repo.user_activity import UserActivity
from feature_repo.vocabulary import ACTIONS
from streaming.events import Interaction
from streaming.ledger import REMEMBERED
from streaming.rows import item_from_row, user_from_row
from streaming.users_flow import delivery
from tests.streaming.crashing import Broker, Step, Stores, partitioned, run

T = 1_750_000_000_000
SPAN_MS = 5 * 86_400_000
CATEGORIES = {"a": ["war"], "b": ["drama", "war"], "c": []}
USERS = ("u", "v", "xx")  # two of them share a partition
scripts = st.lists(st.builds(Step, st.integers(1, 120), st.sampled_from([-1, *range(10)]), st.booleans()), max_size=8)


def drawn(chance: random.Random, count: int) -> list[Interaction]:
    """Distinct events in the order they happened; many of the same moment."""
    times = sorted(T + chance.randrange(SPAN_MS) // 60_000 * 60_000 for _ in range(count))
    return [
        Interaction(
            event_id=str(number),
            user_id=chance.choice(USERS),
            item_id=chance.choice("abc"),
            action=chance.choice(ACTIONS),  # type: ignore[arg-type]
            timestamp=when,
        )
        for number, when in enumerate(times)
    ]


def disordered(chance: random.Random, events: Sequence[Interaction]) -> list[Interaction]:
    """The same events, some late by any time."""
    places = {event.event_id: n + (chance.random() < 0.3) * chance.random() * 200 for n, event in enumerate(events)}
    return sorted(events, key=lambda event: places[event.event_id])


def repeated(chance: random.Random, sent: Sequence[Interaction], within: int) -> list[Interaction]:
    """Some events sent again, after fewer than ``within`` later events of the same user."""
    again: dict[int, list[Interaction]] = {}
    for user in USERS:
        places = [place for place, event in enumerate(sent) if event.key == user]
        for number, place in enumerate(places):
            if chance.random() < 0.1:
                later = places[number : number + within]
                again.setdefault(chance.choice(later), []).append(sent[place])
    return [each for place, event in enumerate(sent) for each in (event, *again.get(place, []))]


def clean(events: Sequence[Interaction]) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    """Every feature of users and items after the events, each once, in the order they happened."""
    users: dict[str, UserActivity] = {}
    items: dict[str, ItemActivity] = {}
    for each in events:
        user, item, when = users.get(each.key, UserActivity()), items.get(each.item_id, ItemActivity()), each.timestamp
        users[each.key] = user_activity.advance(user, each.item_id, each.action, when, CATEGORIES[each.item_id])  # type: ignore[arg-type]
        items[each.item_id] = item_activity.advance(item, each.action, when)  # type: ignore[arg-type]
    user_rows = {user: user_activity.to_row(activity) for user, activity in users.items()}
    return user_rows, {item_id: item_activity.to_row(activity) for item_id, activity in items.items()}


def kept(stores: Stores) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    """The same as the online store has it."""
    users = {user: user_from_row(row.values).activity for user, row in stores.users.rows.items()}
    items = {item_id: item_from_row(row.values).activity for item_id, row in stores.items.rows.items()}
    user_rows = {user: user_activity.to_row(activity) for user, activity in users.items()}
    return user_rows, {item_id: item_activity.to_row(activity) for item_id, activity in items.items()}


def check(mine: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, Any]]) -> None:
    """Both have the same entities and features, up to rounding; affinities whatever their order."""
    assert mine.keys() == theirs.keys()
    for entity, row in theirs.items():
        assert comparable(mine[entity]).keys() == comparable(row).keys()
        for name, value in comparable(row).items():
            assert comparable(mine[entity])[name] == pytest.approx(value, rel=1e-9, abs=1e-12), (entity, name)


def comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {name: value for name, value in row.items() if "_categor" not in name}
    if "user_categories" in row:
        flat |= dict(zip(row["user_categories"], row["user_category_weights"], strict=True))
    if "history_item_ids" in flat:  # strings cannot be nearly the same
        assert len(flat["history_item_ids"]) == len(flat["history_actions"]) == len(flat["history_timestamps"])
        flat["history_item_ids"] = [ord(item_id) for item_id in flat["history_item_ids"]]
    return flat


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 400), scripts)
def test_every_feature_is_that_of_the_clean_ordered_stream(seed: int, count: int, script: list[Step]) -> None:
    chance = random.Random(seed)
    events = drawn(chance, count)
    sent = repeated(chance, disordered(chance, events), REMEMBERED)
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(Path(folder), CATEGORIES)
        run(Broker(partitioned(sent)), stores, script)
        for mine, theirs in zip(kept(stores), clean(events), strict=True):
            check(mine, theirs)


def test_a_duplicate_beyond_the_memory_counts_once_more_for_its_user_and_its_item_alike(tmp_path: Path) -> None:
    events = [
        Interaction(event_id=str(number), user_id="u", item_id="a", action="click", timestamp=T)
        for number in range(REMEMBERED + 1)
    ]
    within, beyond = Stores(tmp_path / "within", CATEGORIES), Stores(tmp_path / "beyond", CATEGORIES)
    run(Broker(partitioned([*events[1:], events[1]])), within, [])
    run(Broker(partitioned([*events, events[0]])), beyond, [])
    for stores, counted in ((within, REMEMBERED), (beyond, REMEMBERED + 2)):
        users, items = kept(stores)
        assert users["u"]["user_actions_7d"][ACTIONS.index("click")] == counted
        assert items["a"]["item_actions_7d"][ACTIONS.index("click")] == counted


def test_a_message_without_time_and_id_is_the_same_event_whenever_it_is_read() -> None:
    message = SimpleNamespace(
        value=b'{"user_id": "u", "item_id": "a", "action": "view"}', timestamp=T / 1000, partition=2, offset=7
    )
    first, again = (delivery(SimpleNamespace(message=message, key=b"u"), now_ms) for now_ms in (T + 5, T + 9))  # type: ignore[arg-type]
    message.offset = 8
    other = delivery(SimpleNamespace(message=message, key=b"u"), T + 9)  # type: ignore[arg-type]
    assert first == again
    assert first.event.event_id != other.event.event_id
    assert first.event.timestamp == T
