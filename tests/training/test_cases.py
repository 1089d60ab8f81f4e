"""The walk: which events are cases, and what each of them knows."""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feast import FeatureStore

from feature_repo.context import context_buckets
from feature_repo.settings import StoreSettings
from tests.training.tiny import BEGIN, HOUR
from training.cases import World, walk, world_at
from training.log import interactions
from training.queries import Queries
from training.samples import read_catalogue

CUTOFF = BEGIN + 30 * HOUR


@pytest.fixture
def world(store: FeatureStore, settings: StoreSettings, snapshot: Path) -> World:
    users = [f"u{user}" for user in range(8)]
    return world_at(store, read_catalogue(snapshot), interactions(settings, 0, CUTOFF), users, CUTOFF)


def later(*rows: tuple[str, str, int]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    return found.assign(action="click", timestamp=CUTOFF + found.timestamp)


def met(settings: StoreSettings, user_id: str) -> list[str]:
    past = interactions(settings, 0, CUTOFF)
    return past[past.user_id == user_id].item_id.tolist()


def test_a_new_user_is_a_case_from_the_second_event_on(world: World) -> None:
    cases = list(walk(world, later(("new", "i0", 1), ("new", "i1", 2)), roll=10, min_seen=1))
    assert [world.catalogue.ids[case.target] for case in cases] == ["i1"]


def test_only_the_first_events_of_a_user_are_cases(world: World) -> None:
    events = later(*(("new", f"i{place}", place) for place in range(8)))
    assert len(list(walk(world, events, roll=3, min_seen=1))) == 3


def test_a_case_knows_the_events_before_it_and_not_its_own(world: World, settings: StoreSettings) -> None:
    first, second = walk(world, later(("new", "i0", 1), ("new", "i1", 1), ("new", "i2", 1)), roll=10, min_seen=1)
    assert first.user["history_rows"][-2:].tolist() == [0, world.catalogue.index["i0"] + 1]
    assert second.seen.tolist() == [world.catalogue.index["i0"], world.catalogue.index["i1"]]
    assert second.user["user_actions_1d"].sum() == pytest.approx(2)


def test_another_users_event_moves_the_item_for_everybody(world: World, settings: StoreSettings) -> None:
    known = next(user_id for user_id in world.users if met(settings, user_id))
    before, after = walk(world, later((known, "i0", 1), ("new", "i5", 1), (known, "i1", 1)), roll=10, min_seen=1)
    place = world.catalogue.index["i5"]
    assert after.items["item_actions_1h"][place].sum() == pytest.approx(
        before.items["item_actions_1h"][place].sum() + 1
    )


def test_the_world_starts_from_the_rows_feast_had_at_the_cutoff(world: World, settings: StoreSettings) -> None:
    for user_id in world.users:
        # A history breaks ties of time by item, the log by arrival.
        assert sorted(visit.item_id for visit in world.users[user_id].history) == sorted(met(settings, user_id))
        assert [world.catalogue.ids[row] for row in world.seen.get(user_id, [])] == met(settings, user_id)


def test_an_item_the_catalogue_lacks_is_a_miss_and_is_remembered(world: World) -> None:
    cases = list(walk(world, later(("new", "i0", 1), ("new", "unheard", 2), ("new", "i1", 3)), roll=10, min_seen=1))
    assert cases[0].target == -1
    assert np.count_nonzero(cases[1].user["history_actions"]) == 2


def test_a_case_knows_the_context_of_its_event(world: World) -> None:
    world.queries = Queries(["tea"])
    events = later(*(("new", f"i{place}", place) for place in range(4)))
    contexts = ["", '{"device":"tv","query":"tea"}', "", '{"query":"unheard"}']
    first, second, third = walk(world, events.assign(context=contexts), roll=10, min_seen=1)
    assert first.user["request_context"].tolist() == context_buckets({"device": "tv"}).tolist()
    assert not second.user["request_context"].any()
    assert [int(case.user["query_rows"]) for case in (first, second, third)] == [1, 0, 0]


def test_of_many_cases_the_same_few_are_drawn_and_know_all_that_happened(world: World, settings: StoreSettings) -> None:
    events = later(*((f"u{place % 3}", f"i{place % 12}", place) for place in range(30)))
    every = {case.timestamp: case for case in walk(copy.deepcopy(world), events, roll=10, min_seen=1)}
    few, again = (list(walk(copy.deepcopy(world), events, roll=10, min_seen=1, limit=4)) for _ in range(2))
    assert len(few) == 4 < len(every) and [case.timestamp for case in few] == [case.timestamp for case in again]
    assert all(np.array_equal(case.seen, every[case.timestamp].seen) for case in few)
