"""Rows of several views of one entity, read in one question: the same as view by view."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest
from feast import FeatureStore

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo import features
from feature_repo.entity_rows import EntityRows
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from tests.feature_repo.test_online import VALUES

pytestmark = pytest.mark.process
Read = Callable[..., list[dict[str, Row]]]
STAMP = 1_750_000_000_123_457  # microseconds


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureStore]:
    folder = tmp_path_factory.mktemp("entity-rows")
    with running(free_environment(folder), ["online-store"]) as system:
        opened = open_store(StoreSettings(redis=system.settings.redis, data_dir=folder))
        apply(opened)
        for view in (features.user_profile, features.user_activity):
            OnlineRows(opened, view).write([Row("both", STAMP, VALUES[view.name])])
        OnlineRows(opened, features.user_activity).write([Row("active", STAMP + 1, VALUES["user_activity"])])
        yield opened


@pytest.fixture(scope="module")
def loop(store: FeatureStore) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:  # one for all: the store's connection belongs to it
        yield runner
        runner.run(store.close())


@pytest.fixture
def read(store: FeatureStore, loop: asyncio.Runner) -> Read:
    def read(entity_ids: Sequence[str], names: Sequence[str] | None = None) -> list[dict[str, Row]]:
        rows = EntityRows(store, [(features.user_profile, None), (features.user_activity, names)])
        return loop.run(rows.read(entity_ids))

    return read


@pytest.mark.parametrize("entity_ids", [["both"], ["active"], ["nobody"], [], ["nobody", "both", "active"]])
def test_several_views_say_what_each_says_by_itself(store: FeatureStore, read: Read, entity_ids: list[str]) -> None:
    views = features.user_profile, features.user_activity
    assert read(entity_ids) == [OnlineRows(store, view).read(entity_ids) for view in views]


def test_the_columns_that_are_named_are_read_and_a_missing_one_is_none(store: FeatureStore, read: Read) -> None:
    added = "user_activity_at", "history_item_ids"
    OnlineRows(store, features.user_activity).write([Row("partly", STAMP, {"user_activity_at": 7})])
    profile, activity = read(["partly"], added)
    assert profile == {}
    assert activity == {"partly": Row("partly", STAMP, {"user_activity_at": 7, "history_item_ids": None})}


def test_stamps_are_exact(store: FeatureStore, read: Read) -> None:
    stamps = {f"stamp {n}": STAMP + 7_919_000_123 * n + n for n in range(200)}
    rows = [Row(entity_id, stamp, VALUES["user_profile"]) for entity_id, stamp in stamps.items()]
    OnlineRows(store, features.user_profile).write(rows)
    assert {entity_id: row.stamp for entity_id, row in read(list(stamps))[0].items()} == stamps


def test_an_erased_view_is_gone_and_the_other_stays(store: FeatureStore, read: Read) -> None:
    profile, activity = OnlineRows(store, features.user_profile), OnlineRows(store, features.user_activity)
    for rows in (profile, activity):
        rows.write([Row("erased", STAMP, VALUES[rows.view.name])])
    profile.erase({"erased": STAMP})
    assert [list(rows) for rows in read(["erased"])] == [[], ["erased"]]


def test_a_connection_that_the_server_closed_is_replaced(store: FeatureStore, read: Read) -> None:
    before = read(["both"])
    client = store._get_provider().online_store._get_client(store.config.online_store)
    assert client.client_kill_filter(_type="normal", skipme=True) >= 1
    assert read(["both"]) == before


def test_a_read_that_is_given_up_leaves_nothing_to_the_next_one(
    store: FeatureStore, read: Read, loop: asyncio.Runner
) -> None:
    rows = EntityRows(store, [(features.user_profile, None), (features.user_activity, None)])

    async def impatient(seconds: float) -> list[dict[str, Row]]:
        async with asyncio.timeout(seconds):
            return await rows.read(["both"])

    for step in range(20):
        with suppress(TimeoutError):
            loop.run(impatient(step * 5e-5))
        assert [list(found) for found in read(["active"])] == [[], ["active"]]
