"""Answered rankings -> the topic ``rankings``, in a thread of its own: logging neither delays nor fails an answer.

A ranking that cannot be logged is counted and dropped: ``overflow`` when the queue is full, ``refused`` when the broker
does not take it.
"""

import logging
import queue
import random
import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
from kafka import KafkaProducer

from feature_repo.context import Context, understood
from feature_repo.inputs import unexpired
from feature_repo.rankings import CANDIDATES, LOGGED, PER_ITEM, STAMP, TOPIC, LoggedRanking, encode, packed, raw
from feature_repo.vocabulary import HISTORY_LENGTH
from serving.user_features import UserRows
from streaming.patient_client import PatientClient

Array = npt.NDArray[Any]
WAITING = 500  # rankings that wait for the thread: 15 kB each with a hundred candidates, 130 kB at most
LINGER_MS = 100  # a request to the broker costs as much as five rankings in it: they go together
BATCH_BYTES = 2**18
CLOSE_S = 3.0  # seconds for what is still under way when the API stops
STAMPS = {"item_content_stamp": "item_content", "item_activity_stamp": "item_activity"}  # column -> view
log = logging.getLogger(__name__)


class Answered(msgspec.Struct, frozen=True):
    """A ranking and what it was made of; nobody writes to the arrays any more."""

    request_id: str
    model_version: str
    slate: list[str]
    user_id: str
    now_ms: int
    item_ids: list[str]
    scores: Array  # [N]
    inputs: Mapping[str, Array]  # the ranker's tensors
    user: UserRows
    items: Mapping[str, Array]  # the candidates' columns of the item table
    context: Context = None  # the request's
    degraded: Sequence[str] = ()  # what the answer lacked


class Sink(Protocol):
    """Where answered rankings go."""

    @property
    def counts(self) -> Mapping[str, int]: ...

    def put(self, answered: Answered) -> None: ...


class RankingLog:
    """The way to the topic; ``share`` of the rankings take it."""

    def __init__(self, broker: str, share: float, timeout_ms: int) -> None:
        self._broker, self._share, self._timeout_ms = broker, share, timeout_ms
        self._waiting: queue.Queue[Answered | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name=TOPIC, daemon=True)
        self._producer: KafkaProducer | None = None
        self._problem = ""
        self.counts = {"logged": 0, "overflow": 0, "refused": 0}

    def start(self) -> None:
        self._thread.start()

    def put(self, answered: Answered) -> None:
        """Have a ranking logged; returns at once."""
        if self._share < 1 and random.random() >= self._share:
            return
        try:
            self._waiting.put_nowait(trimmed(answered))
        except queue.Full:
            self.counts["overflow"] += 1

    def close(self) -> None:
        """Send what waits, within seconds."""
        try:
            self._waiting.put(None, timeout=CLOSE_S)
        except queue.Full:
            log.warning("%d rankings were not logged: the broker takes none", self._waiting.qsize())
            return
        self._thread.join(2 * CLOSE_S)

    def _run(self) -> None:
        while answered := self._waiting.get():
            try:
                self._send(answered)
            except Exception as error:  # counted and said; the next ranking may fare better
                self._refuse(error)
        if self._producer:
            self._producer.close(timeout=CLOSE_S)

    def _send(self, answered: Answered) -> None:
        if self._producer is None:
            self._producer = open_producer(self._broker, self._timeout_ms)
        value = encode(logged(answered))
        future = self._producer.send(TOPIC, key=answered.user_id.encode(), value=value)
        future.add_callback(self._taken).add_errback(self._refuse)

    def _taken(self, _: Any) -> None:
        self.counts["logged"] += 1
        self._problem = ""

    def _refuse(self, error: BaseException) -> None:
        self.counts["refused"] += 1
        if not self._problem:
            log.warning("rankings are not logged: the broker at %s does not take them: %s", self._broker, error)
        self._problem = str(error) or type(error).__name__


def open_producer(broker: str, timeout_ms: int) -> KafkaProducer:
    """A producer that never waits longer than this; not idempotent: a log may lose or repeat a message.

    (A broker that lost its state would refuse an idempotent producer for ever.)
    """
    if find_spec("crc32c") is None:
        log.warning("checksums of logged rankings are computed in Python, 3 ms each: install the package crc32c")
    return KafkaProducer(
        kafka_client=PatientClient,
        bootstrap_servers=broker,
        acks=1,
        enable_idempotence=False,
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
        max_block_ms=timeout_ms,
        delivery_timeout_ms=timeout_ms,
        request_timeout_ms=max(timeout_ms - LINGER_MS - 1, 1),
        bootstrap_timeout_ms=timeout_ms,
    )


def trimmed(answered: Answered) -> Answered:
    """The same with what is logged alone, so that what waits is small: no vectors, and but the best candidates."""
    inputs = {name: answered.inputs[name] for name in LOGGED}
    items = {name: answered.items[name] for name in STAMPS}
    item_ids, scores = answered.item_ids, answered.scores
    if len(item_ids) > CANDIDATES:
        kept = np.argsort(-scores, kind="stable")[:CANDIDATES]
        item_ids, scores = [item_ids[place] for place in kept.tolist()], scores[kept]
        inputs |= {name: inputs[name][kept] for name in PER_ITEM}
        items = {name: column[kept] for name, column in items.items()}
    context = understood(answered.context)
    return msgspec.structs.replace(
        answered, item_ids=item_ids, scores=scores, inputs=inputs, items=items, context=context
    )


def logged(answered: Answered) -> LoggedRanking:
    """The message."""
    activity = unexpired(answered.user.activity, answered.now_ms)
    return LoggedRanking(
        request_id=answered.request_id,
        user_id=answered.user_id,
        instant=answered.now_ms * 1000,
        model_version=answered.model_version,
        slate=answered.slate,
        item_ids=answered.item_ids,
        scores=raw(answered.scores, "<f4"),
        tensors=packed(answered.inputs),
        history_item_ids=list(activity.get("history_item_ids", ()))[-HISTORY_LENGTH:],
        context=understood(answered.context),
        degraded=list(answered.degraded),
        user_stamps={
            "user_profile": answered.user.profile.get("event_timestamp", 0),
            "user_activity": answered.user.activity.get("event_timestamp", 0),
        },
        item_stamps={view: raw(answered.items[name], STAMP) for name, view in STAMPS.items()},
    )
