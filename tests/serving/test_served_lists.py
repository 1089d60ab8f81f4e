"""What was served: kept page by page, looked at by stages, forgiven when it cannot be known."""

import asyncio
from typing import Any

import numpy as np
import pytest
from redis.exceptions import ConnectionError as RedisAway

from feature_repo.item_table import ItemTable
from feature_repo.served import Page
from feature_repo.vocabulary import VECTOR_SIZE
from serving import served_lists
from serving.budget import Budget
from serving.served_lists import ITEMS, LOST, WRITING, ServedLists, served
from tests.serving.fakes import FakePages


def table_of(*item_ids: str) -> ItemTable:
    table = ItemTable()
    table.put_vectors(item_ids, np.zeros((len(item_ids), VECTOR_SIZE), np.float32))
    return table


def told(lists: ServedLists, *pages: Page) -> Any:
    """Remember pages, and recall them."""

    async def tell() -> Any:
        for page in pages:
            lists.remember("u", page)
        await asyncio.sleep(0)
        return await lists.recall("u", Budget(1000))

    return asyncio.run(tell())


def test_what_is_remembered_is_recalled() -> None:
    lists = ServedLists(FakePages())
    pages = [Page(1, 0, ["a", "b"]), Page(2, 2, ["c"])]
    assert told(lists, *pages) == (pages, ())
    assert lists.counts == {"kept": 2, "lost": 0}


def test_only_the_top_of_a_long_page_is_remembered() -> None:
    long = Page(1, 0, [str(place) for place in range(ITEMS + 1)])
    assert len(told(ServedLists(FakePages()), long).pages[0].item_ids) == ITEMS


def test_a_store_that_is_away_costs_what_was_served_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    lists = ServedLists(FakePages(away=True))
    assert told(lists, Page(1, 0, ["a"])) == ((), (LOST,))
    assert lists.counts == {"kept": 0, "lost": 1}
    assert [record.getMessage() for record in caplog.records] == ["what users were served is not known: redis is away"]


def test_a_store_that_is_slow_is_not_waited_for() -> None:
    class Slow(FakePages):
        async def read(self, user_id: str) -> Any:
            await asyncio.Event().wait()

    assert told(ServedLists(Slow())) == ((), (LOST,))


def test_a_store_that_is_left_alone_is_not_asked() -> None:
    class Asked(FakePages):
        async def read(self, user_id: str) -> Any:
            raise AssertionError("it was asked")

    assert asyncio.run(ServedLists(Asked()).recall("u", Budget(1000), away=True)) == ((), (LOST,))


def test_pages_do_not_pile_up_while_a_store_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(FakePages):
        async def add(self, user_id: str, page: bytes) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(served_lists, "SECONDS", 0.01)
    lists = ServedLists(Hanging())

    async def tell() -> None:
        for at in range(WRITING + 1):
            lists.remember("u", Page(at, 0, ["a"]))
        assert lists.counts["lost"] == 1
        await asyncio.wait(lists._writing)

    asyncio.run(tell())
    assert lists.counts == {"kept": 0, "lost": WRITING + 1}


@pytest.mark.parametrize("wrong", [b"", b"\xc1", b"\x92\x01\x00"])
def test_a_page_that_cannot_be_read_is_none(wrong: bytes) -> None:
    assert told(ServedLists(FakePages({"u": [wrong]}))).degraded == (LOST,)


def test_the_errors_of_redis_are_among_those_forgiven() -> None:
    class Away(FakePages):
        async def read(self, user_id: str) -> Any:
            raise RedisAway("gone")

    assert told(ServedLists(Away())).degraded == (LOST,)


def test_stages_see_every_serving_with_its_time() -> None:
    found = served([Page(1, 0, ["a", "b"]), Page(2, 0, ["b", "gone"])], 0, table_of("a", "b"))
    assert (found.rows.tolist(), found.at.tolist()) == ([0, 1, 1], [1, 1, 2])


def test_further_pages_see_what_was_served_until_their_list_began() -> None:
    pages = [Page(1, 0, ["a"]), Page(2, 2, ["b"]), Page(3, 0, ["c"]), Page(4, 2, ["d"])]
    table = table_of("a", "b", "c", "d")
    assert served(pages, 4, table).rows.tolist() == [0, 1]
    assert served(pages, 0, table).rows.tolist() == [0, 1, 2, 3]
    assert served(pages[:1], 2, table).rows.tolist() == []
    assert served(pages[1:2], 2, table).rows.tolist() == []
