"""The topic ``rankings``, or a parquet file kept of it -> a sample of logged rankings, in time order."""

import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.rankings import LOGGED, TOPIC, LoggedRanking, decode, encode

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of how kafka-python reads its schemas: Feast makes them shown
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

NEWEST = 5  # a sample is drawn from so many times as many, the newest of each partition
POLL_MS = 500
_SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("instant", pa.timestamp("us", tz="UTC")),
        pa.field("model_version", pa.string()),
        pa.field("ranking", pa.binary()),  # the message
    ]
)


class NoRankings(Exception):
    """Nothing to read, with what to do about it."""


def from_topic(broker: str, count: int, seed: int = 0) -> list[LoggedRanking]:
    """``count`` of the newest rankings of the topic, drawn at random. Raises NoRankings."""
    with _consumer(broker) as consumer:
        partitions = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC) or ()]
        if not partitions:
            raise NoRankings(f"the broker at {broker} has no topic {TOPIC!r}: the worker makes it when it starts")
        messages = list(_newest(consumer, partitions, NEWEST * count))
    if not messages:
        raise NoRankings(
            f"the topic {TOPIC!r} at {broker} is empty: ask /v1/rank, with FRESHRANK_RANKING_LOG_SHARE > 0"
        )
    return _sample([_read(each, f"{TOPIC} at {broker}") for each in messages], count, seed)


def from_parquet(path: Path, count: int, seed: int = 0) -> list[LoggedRanking]:
    """The same from a file that ``to_parquet`` wrote. Raises NoRankings."""
    if not path.exists():
        raise NoRankings(f"there is no {path}: write one with --export")
    messages = pq.read_table(path, columns=["ranking"]).column("ranking").to_pylist()
    if not messages:
        raise NoRankings(f"{path} has no rankings")
    return _sample([_read(each, str(path)) for each in messages], count, seed)


def to_parquet(rankings: Sequence[LoggedRanking], path: Path) -> None:
    """Keep rankings: a row each, the message beside what one looks for it by."""
    columns = ("request_id", "user_id", "instant", "model_version")
    rows = [{name: getattr(each, name) for name in columns} | {"ranking": encode(each)} for each in rankings]
    pq.write_table(pa.Table.from_pylist(rows, _SCHEMA), path, compression="zstd")


def _sample(rankings: Sequence[LoggedRanking], count: int, seed: int) -> list[LoggedRanking]:
    drawn = random.Random(seed).sample(rankings, min(count, len(rankings)))
    return sorted(drawn, key=lambda each: each.instant)


def _read(message: bytes, place: str) -> LoggedRanking:
    try:
        ranking = decode(message)
    except msgspec.MsgspecError as error:
        raise NoRankings(f"a message of {place} is not a ranking of this version: {error}") from error
    if ranking.tensors.keys() != set(LOGGED):
        different = ", ".join(sorted(ranking.tensors.keys() ^ set(LOGGED)))
        raise NoRankings(f"ranking {ranking.request_id} of {place} was made by code with other features: {different}")
    return ranking


@contextmanager
def _consumer(broker: str) -> Iterator[Any]:
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=broker,
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            bootstrap_timeout_ms=10_000,
        )
    except KafkaError as error:
        raise NoRankings(f"no Kafka broker answers at {broker} (FRESHRANK_BROKER): {error}") from error
    try:
        yield consumer
    finally:
        consumer.close()


def _newest(consumer: Any, partitions: list[TopicPartition], count: int) -> Iterator[bytes]:
    """Messages from ``count`` before the end of each partition to the end.

    Some brokers (Tansu) take the start of a partition's last batch for its end, so what comes after that is read as
    well, until nothing comes or as many came as were asked for.
    """
    consumer.assign(partitions)
    begins, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    for place in partitions:
        consumer.seek(place, max(begins[place], ends[place] - count))
    came = 0
    while True:
        records = [record for batch in consumer.poll(timeout_ms=POLL_MS).values() for record in batch]
        yield from (record.value for record in records)
        came += len(records)
        behind = any(consumer.position(place) < end for place, end in ends.items())
        if not behind and (not records or came >= 2 * count * len(partitions)):
            return
