"""What the sources look into, kept current beside the requests: the vectors' index, the shared lists, the titles."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from serving.candidates import new, popular, similar, together, trending, typed, unfinished
from serving.candidates.asked import Source, Within
from serving.candidates.lists import Lists, Shared
from serving.candidates.nearest import Nearest
from serving.candidates.titles import Titles
from serving.catalogue import Catalogue
from serving.models import Model

SOURCES: Mapping[str, Source] = {
    source.NAME: source for source in (typed, unfinished, similar, together, trending, new, popular)
}
SHARED = tuple(Shared(each.NAME, each.COLUMNS, each.best) for each in (trending, new, popular))
EVERY = 0.5  # seconds between two looks at what has changed
REST = 20  # times what a look took that pass until the next: a twentieth of one core at most
THREADS = 4  # searches of requests at once


class Retrieval:
    """Opened with the API, asked by its routes."""

    def __init__(self, catalogue: Catalogue, model: Callable[[], Model], exact_up_to: int) -> None:
        self._catalogue, self._model = catalogue, model
        self.nearest = Nearest(catalogue.table, exact_up_to)
        self.lists = Lists(catalogue.table, SHARED)
        self.titles = Titles(catalogue.table)
        self.threads = ThreadPoolExecutor(THREADS, "candidates")

    def within(self, model: Model) -> Within:
        """What the sources look into for a request of this model."""
        return Within(self._catalogue.table, self.nearest, self.lists, model.neighbours)

    def close(self) -> None:
        """Leave off what goes on in threads."""
        self.nearest.stopping.set()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.titles.close()

    async def refresh(self) -> None:
        """Take over all that has changed, once; a graph is left to ``watch``."""
        for follow in (self._vectors, self._lists, self._titles):
            await follow()

    async def watch(self) -> None:
        """Follow the item table for ever."""
        follow = (_again(each, REST) for each in (self._vectors, self._lists, self._titles))
        await asyncio.gather(*follow, _again(self._graph, 0))

    async def _vectors(self) -> None:
        await asyncio.to_thread(self.nearest.follow, self.nearest.look(self._model().triton_version))

    async def _lists(self) -> None:
        await asyncio.to_thread(self.lists.make, self.lists.look(), time.time_ns() // 1_000_000)

    async def _titles(self) -> None:
        await asyncio.to_thread(self.titles.follow, self.titles.look())

    async def _graph(self) -> None:
        await asyncio.to_thread(self.nearest.grow, self.nearest.look(self._model().triton_version))


async def _again(follow: Callable[[], Awaitable[None]], rest: float) -> None:
    while True:
        started = time.perf_counter()
        await follow()
        await asyncio.sleep(max(EVERY, rest * (time.perf_counter() - started)))
