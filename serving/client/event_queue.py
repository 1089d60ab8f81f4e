"""Events -> batches -> POST /v1/events, from a thread of its own: an application never waits for its events.

    with EventQueue(Client("http://127.0.0.1:8080")) as queue:
        queue.put(ranking.event("click", "50"))

Nothing is lost silently: what the API refuses, or does not take in time when the queue is closed, is raised by
``flush`` and ``close`` with its reason. While the API is away events wait, and ``put`` raises once the queue is full.
"""

import asyncio
import atexit
import logging
import threading
import time
from typing import Self

from serving.client import calls
from serving.client.client import Client
from serving.client.errors import Broken, FreshrankError, NotTaken, Unavailable
from serving.client.pending import Pending
from serving.client.retries import ONCE
from streaming.events import Interaction, Merge

CLOSE_S = 10.0  # seconds for what still waits
log = logging.getLogger(__name__)


class EventQueue:
    """Takes events of any thread, and of coroutines: ``put`` does not wait unless it is told to."""

    def __init__(self, client: Client, most: int = 10_000, batch: int = 500, linger: float = 0.2) -> None:
        """``most`` events may wait; a batch leaves when it is full, or ``linger`` seconds after its first event."""
        self._client, self._linger, self._most = client, linger, most
        self._pending = Pending(most, batch)
        self._changed = threading.Condition()
        self._hurried = 0  # callers of flush
        self._closed, self._until = False, float("inf")  # when to give up, by time.monotonic
        self._problem = "no attempt has ended yet"
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, event: Interaction | Merge, wait: float = 0.0) -> None:
        """Have an event sent soon; waits so many seconds for room. Raises QueueFull, or RuntimeError once closed."""
        event = calls.completed(event)  # its time is now, whenever it leaves
        calls.plain(event)  # what cannot be sent fails here, where it was made
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._pending) < self._most, max(wait, 0.0))
            if self._closed:
                raise RuntimeError("the queue is closed: it takes no more events")
            self._pending.put(event)
            self._changed.notify_all()

    def flush(self, timeout: float = CLOSE_S) -> None:
        """Return when all that was put is taken. Raises NotTaken, or Unavailable where some still waits."""
        with self._changed:
            self._hurried += 1
            self._changed.notify_all()
            empty = self._changed.wait_for(lambda: not len(self._pending), timeout)
            self._hurried -= 1
            self._surface()
            if not empty:
                raise Unavailable(f"{len(self._pending)} events still wait after {timeout:g} s: {self._problem}")

    def close(self, timeout: float = CLOSE_S) -> None:
        """Send what waits, then stop. Raises NotTaken with everything that was not taken."""
        atexit.unregister(self.close)
        with self._changed:
            if not self._closed:
                self._closed, self._until = True, time.monotonic() + timeout
            self._changed.notify_all()
        self._thread.join()
        self._surface()

    def _surface(self) -> None:
        if lost := self._pending.collect():
            raise NotTaken(lost)

    def _run(self) -> None:
        while batch := self._next():
            error = self._try(batch)
            with self._changed:
                pause = self._pending.settle(error)
                self._note(error)
                self._changed.notify_all()
                self._pause(pause)

    def _next(self) -> list[Interaction | Merge]:
        """The next batch; none once the queue is closed and everything is sent or given up."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._pending))
            self._changed.wait_for(lambda: self._closed or self._hurried or self._pending.full_batch, self._linger)
            if time.monotonic() >= self._until:
                self._pending.give_up(f"the queue was closed before the API took it: {self._problem}")
            return self._pending.take()

    def _try(self, batch: list[Interaction | Merge]) -> FreshrankError | None:
        try:
            self._client.send(calls.events(batch), ONCE)
        except FreshrankError as error:
            return error
        except Exception as error:  # such as a client that was closed; the thread must outlive it, the events are lost
            return Broken(f"{type(error).__name__}: {error}")
        return None

    def _note(self, error: FreshrankError | None) -> None:
        if error:
            self._problem = str(error)
            log.warning("%d events wait, %d are lost: %s", len(self._pending), len(self._pending.lost), error)

    def _pause(self, seconds: float) -> None:
        """Wait, though not beyond the time to give up, nor after the queue is being closed."""
        closed, left = self._closed, max(self._until - time.monotonic(), 0.0)
        self._changed.wait_for(lambda: self._closed and not closed, min(seconds, left))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self.close)
