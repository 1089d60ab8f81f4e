"""What sources look into follows the item table beside the requests."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from serving.candidates import retrieval
from serving.candidates.retrieval import Retrieval
from serving.models import NONE
from tests.serving.candidates.worlds import turned
from tests.serving.fakes import MODEL, catalogue_of


async def until(so: Callable[[], bool]) -> None:
    while not so():  # noqa: ASYNC110  # whoever changes it knows of no event
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("exact_up_to", [0, 1000])
@pytest.mark.parametrize("model", [lambda: MODEL, lambda: NONE])
def test_a_new_item_is_found_without_being_announced(
    monkeypatch: pytest.MonkeyPatch, exact_up_to: int, model: object
) -> None:
    monkeypatch.setattr(retrieval, "EVERY", 0.001)
    catalogue = catalogue_of("a", "b")

    async def follow() -> None:
        kept = Retrieval(catalogue, model, exact_up_to)  # type: ignore[arg-type]
        watching = asyncio.ensure_future(kept.watch())
        try:
            async with asyncio.timeout(30):
                await until(lambda: not kept.nearest.slow and len(kept.nearest.search(turned(0), 1).rows) > 0)
                catalogue.table.put_vectors(["fresh"], turned(90)[None], 7)
                catalogue.table.put_content("fresh", {"item_title": "Fresh"}, 1)
                await until(lambda: len(kept.titles.search("fresh", 1)) > 0)
                await until(lambda: len(kept.lists.of("popular", 9)) > 2)
                await until(lambda: kept.nearest.search(turned(90), 1).rows.tolist() == [2])
            assert kept.titles.search("fresh", 1).tolist() == [2]
            assert sorted(kept.lists.of("popular", 9).tolist()) == [0, 1, 2]
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            kept.close()

    asyncio.run(follow())


def test_what_is_there_at_the_start_is_found_by_the_first_request() -> None:
    async def begin() -> list[int]:
        kept = Retrieval(catalogue_of("a", "b"), lambda: MODEL, 1000)
        await kept.refresh()
        rows = [*kept.nearest.search(turned(0), 5).rows.tolist(), *kept.lists.of("popular", 5).tolist()]
        kept.close()
        return rows

    assert sorted(asyncio.run(begin())) == [0, 0, 1, 1]
