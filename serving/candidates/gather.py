"""Sources -> candidates, within the time there is: a source that is too slow or fails is dropped and named."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from serving.candidates.asked import Asked, Source
from serving.candidates.merge import merge
from serving.candidates.timely import dropped, found, timely

Array = npt.NDArray[Any]
Accept = Callable[[Array], Array]  # rows [n] of the item table -> which of them may be recommended [n]


class Gathered(NamedTuple):
    """Candidates, and what is missing among them."""

    rows: Array  # [n] of the item table, each once
    sources: list[str]  # [n]
    dropped: list[str]  # for ``degraded``


class Limits(NamedTuple):
    """How much, of whom, and how long."""

    size: int  # candidates
    quotas: Mapping[str, float]  # source -> its share of them
    seconds: float  # from now on
    spare: int = 0  # rows asked of each source beyond ``size``, for what is not accepted


async def gather(
    asked: Asked, sources: Mapping[str, Source], limits: Limits, accept: Accept, threads: Executor
) -> Gathered:
    """Candidates from the sources that have a quota; what takes long in a large catalogue is looked for in threads."""
    chosen = {name: sources[name] for name, quota in limits.quotas.items() if quota > 0}
    ends, count = asyncio.get_running_loop().time() + limits.seconds, limits.size + limits.spare
    finds = {name: partial(source.find, asked, count) for name, source in chosen.items()}
    slow = [name for name in chosen if asked.within.nearest.slow and chosen[name].SEARCHES]
    searches = [asyncio.ensure_future(timely(name, finds[name], ends, threads)) for name in slow]
    if searches:
        await asyncio.sleep(0)  # they start; what takes microseconds is found meanwhile, however late it is
    answers = {name: found(name, find) for name, find in finds.items() if name not in slow}
    answers |= dict(zip(slow, await asyncio.gather(*searches), strict=True))
    answers = {name: answers[name] for name in chosen}
    merged = merge(_accepted(answers, accept), limits.quotas, limits.size)
    return Gathered(np.fromiter(merged, np.int64, len(merged)), list(merged.values()), dropped(answers))


def _accepted(answers: Mapping[str, Array | str], accept: Accept) -> dict[str, list[int]]:
    """The accepted rows of every source, all of them looked at in one go."""
    given = {name: rows for name, rows in answers.items() if not isinstance(rows, str)}
    rows = np.concatenate([np.zeros(0, np.int64), *given.values()])
    kept = accept(rows)
    ends = np.cumsum([len(each) for each in given.values()])
    return {
        name: rows[end - len(each) : end][kept[end - len(each) : end]].tolist()
        for (name, each), end in zip(given.items(), ends.tolist(), strict=True)
    }
