"""What was served, on a real Redis: kept for a while, the newest pages, and erased with the rows of the user."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from feast import FeatureStore

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from feature_repo.features import user_profile
from feature_repo.online import OnlineRows, Row
from feature_repo.served import KEPT, Page, ServedPages, decode, encode
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store

pytestmark = pytest.mark.process
T = 1_750_000_000_000_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    folder = tmp_path_factory.mktemp("served")
    with running(free_environment(folder), ["online-store"]) as system:
        yield StoreSettings(redis=system.settings.redis, data_dir=folder)


def served(store: FeatureStore, user_id: str, *pages: bytes) -> Sequence[bytes]:
    """Add pages, and read them again as another process would."""

    async def serve() -> Sequence[bytes]:
        kept = ServedPages(store, seconds=60)
        for page in pages:
            await kept.add(user_id, page)
        found = await kept.read(user_id)
        await store.close()
        return found

    return asyncio.run(serve())


def test_pages_come_back_in_their_order_and_the_oldest_go(settings: StoreSettings) -> None:
    pages = [str(number).encode() for number in range(KEPT + 2)]
    assert served(open_store(settings), "u", *pages) == pages[2:]
    assert served(open_store(settings), "session:u") == []


def test_pages_do_not_stay_for_ever(settings: StoreSettings) -> None:
    store = open_store(settings)
    served(store, "brief", b"page")
    client = store._get_provider().online_store._get_client(store.config.online_store)
    kept = [key for key in client.scan_iter() if b"brief" in key]
    assert len(kept) == 1 and 0 < client.ttl(kept[0]) <= 60


def test_what_was_served_goes_with_the_rows(settings: StoreSettings) -> None:
    store = open_store(settings)
    served(store, "gone", b"page")
    rows = OnlineRows(store, user_profile)
    rows.write([Row("gone", T, {"user_attributes": []})])
    assert rows.erase({"gone": T}) == {"gone"}
    assert served(open_store(settings), "gone") == []


def test_an_item_leaves_all_pages_and_the_rest_stays_as_it_is(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feature_repo.served.LISTS", 2)
    store, names = open_store(settings), [f"fan-{number}" for number in range(5)]
    pages = [Page(1, 0, ["film", "song"]), Page(2, 0, ["film-2"]), Page(3, 0, ["song", "film", "film"])]
    for name in names:
        served(open_store(settings), name, *map(encode, pages))
    served(open_store(settings), "other", encode(pages[1]))
    rows = OnlineRows(store, user_profile)
    assert rows.unserve({"film", "nobody's"}) == {"film": len(names)}
    left = [Page(1, 0, ["song"]), pages[1], Page(3, 0, ["song"])]
    for name in (names[0], names[-1]):
        assert [decode(page) for page in served(open_store(settings), name)] == left
    client = store._get_provider().online_store._get_client(store.config.online_store)
    assert all(client.ttl(key) > 0 for key in client.scan_iter(match=b"*fan-*"))
    assert rows.unserve({"film"}) == {}
