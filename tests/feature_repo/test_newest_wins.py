"""Two writers of one row at the same time: the newer row stays, whoever writes last."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from feast.infra.online_stores.redis import RedisOnlineStore

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo.features import user_profile
from feature_repo.newest_wins import NewestWinsOnlineStore
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store

pytestmark = pytest.mark.process
T = 1_750_000_000_000_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    folder = tmp_path_factory.mktemp("newest-wins")
    with running(free_environment(folder), ["online-store"]) as system:
        yield StoreSettings(redis=system.settings.redis, data_dir=folder)


def rows(settings: StoreSettings) -> OnlineRows:
    return OnlineRows(open_store(settings), user_profile)


def profile(user_id: str, stamp: int, text: str) -> Row:
    return Row(user_id, stamp, {"user_attributes": [text]})


class Interrupted(list[Any]):
    """Encoded rows; somebody else writes whenever a store begins to go through them."""

    def __init__(self, encoded: list[Any], somebody: Callable[[], None]) -> None:
        super().__init__(encoded)
        self._somebody = somebody

    def __iter__(self) -> Iterator[Any]:
        self._somebody()
        return super().__iter__()


@pytest.mark.parametrize(("store", "right"), [(NewestWinsOnlineStore, True), (RedisOnlineStore, False)])
def test_of_two_writers_at_the_same_time_the_newer_one_wins(
    store: type[Any], right: bool, settings: StoreSettings
) -> None:
    """Feast's own store goes through the rows before it reads and before it writes; once it is right, ours can go."""
    frozen, owner, user = rows(settings), rows(settings), store.__name__
    stamps = [T + 10, T + 30]

    def overtake() -> None:
        owner.write([profile(user, stamps[0], str(stamps.pop(0)))])

    encoded = Interrupted([frozen._encode(profile(user, T + 20, str(T + 20)), {})], overtake)
    store().online_write_batch(frozen._config, user_profile, encoded, None)
    newest = max(T + 20, T + 10 if stamps else T + 30)
    assert (owner.read([user])[user].values["user_attributes"] == [str(newest)]) is right


@pytest.mark.parametrize(
    ("stamp", "kept"),
    [
        (T, "first"),
        (T - 1, "first"),
        (T + 1, "second"),
        (T - 999_999, "first"),
        (T - 1_000_000, "first"),
        (T + 1_000_000, "second"),
        (T + 127, "second"),
        (T // 1_000_000 * 1_000_000, "first"),
        (0, "first"),
    ],
)
def test_stamps_are_compared_to_the_microsecond(stamp: int, kept: str, settings: StoreSettings) -> None:
    users, user = rows(settings), f"at {stamp}"
    users.write([profile(user, T, "first")])
    users.write([profile(user, stamp, "second")])
    assert users.read([user])[user].values["user_attributes"] == [kept]


def test_the_newest_of_a_batch_stays(settings: StoreSettings) -> None:
    users = rows(settings)
    users.write([profile("batch", T + 5, "newest"), profile("batch", T + 4, "older")])
    assert users.read(["batch"])["batch"].values["user_attributes"] == ["newest"]


def test_a_store_that_forgot_its_scripts_is_told_again(settings: StoreSettings) -> None:
    users = rows(settings)
    users.write([profile("before", T, "x")])
    users._provider.online_store._client.script_flush()
    users.write([profile("after", T, "x")])
    assert users.read(["before", "after"]).keys() == {"before", "after"}


def test_nobody_waits_for_ever_for_an_answer() -> None:
    _, options = NewestWinsOnlineStore._parse_connection_string("store:6379,socket_timeout=3,password=x")
    assert options == {"socket_timeout": 3, "socket_connect_timeout": 10, "password": "x"}
