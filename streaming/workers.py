"""processes that work on shards while the caller reads, and one bar that shows how far they are."""

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from feature_repo.garbage import collect_seldom
from streaming.loop_state import Constants, Steps, new_counters, new_lists, new_state
from streaming.loops import advance_items, advance_users

Result = TypeVar("Result")

_context = multiprocessing.get_context("fork")
_written: dict[str, Any] = {}  # in a worker: the count that it shares with the one that watches


@contextmanager
def workers(processes: int) -> Iterator[tuple[Executor, Any]]:
    """An executor (of one thread where one process is enough) and the shared count of rows that it wrote.

    Enter it before anything is open: processes are forked.
    """
    count = _context.Value("Q", 0)
    with (
        ThreadPoolExecutor(1, initializer=_begin, initargs=(count,))
        if processes == 1
        else ProcessPoolExecutor(processes, _context, _begin, (count,))
    ) as executor:
        try:
            yield executor, count
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)  # what is under way ends; nothing else begins
            raise


def report(rows: int) -> None:
    """Count rows that were written; called in a worker."""
    with _written["count"].get_lock():
        _written["count"].value += rows


def watch(futures: Iterable[Future[Result]], count: Any, bar: "tqdm[Any]") -> list[Result]:
    """Wait for all of them and move the bar; raises what the first of them to fail raised."""
    asked = list(futures)
    waiting = set(asked)
    while waiting and not any(each.done() and each.exception() for each in asked):
        waiting = wait(waiting, timeout=0.2, return_when=FIRST_EXCEPTION).not_done
        bar.update(count.value - bar.n)
    return [future.result() for future in asked]


def _begin(count: Any) -> None:
    _written["count"] = count
    parent = multiprocessing.parent_process()
    if parent:
        collect_seldom()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides what an interruption means
        Thread(target=_end_with, args=(parent,), daemon=True).start()
    _compile()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)  # a worker whose parent was killed would wait for work for ever


def _compile() -> None:
    """Run the loops over nothing: they are compiled, or read from disk, while the caller reads the history."""
    nothing, ends, codes = np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int32)
    steps, state, counters = Steps(codes, codes, nothing, nothing), new_state(0), new_counters(0)
    advance_users(steps, ends, codes, Constants(), state, counters, new_lists(0))
    advance_items(steps, Constants(), state, counters)
