"""A producer whose broker hangs waits, and does not take a core for it."""

import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from streaming.broker import create_topics
from streaming.patient_client import WAIT_MS, PatientClient
from streaming.settings import StreamSettings

SECONDS = 1.5


@pytest.mark.process
def test_a_producer_looks_a_few_times_a_second_at_a_broker_that_hangs(tmp_path: Path) -> None:
    looks: Counter[str] = Counter()

    class Counting(PatientClient):
        def poll(self, timeout_ms: float | None = None, future: Any = None) -> Any:
            looks["rounds"] += 1
            return super().poll(timeout_ms=timeout_ms, future=future)

        def connection_delay(self, node_id: Any) -> float:
            looks["delayed"] += 1
            return super().connection_delay(node_id)

    environment = free_environment(tmp_path)
    with running(environment, ["broker"]) as system:
        create_topics(StreamSettings(broker=environment["FRESHRANK_BROKER"]))
        producer = KafkaProducer(kafka_client=Counting, bootstrap_servers=environment["FRESHRANK_BROKER"], acks=1)
        producer.send("rankings", b"before").get(timeout=30)
        system.processes["broker"].send_signal(signal.SIGSTOP)
        try:
            sent = [producer.send("rankings", b"x" * 20_000) for _ in range(20)]  # more batches than may be under way
            before, until = looks["rounds"], time.monotonic() + SECONDS
            while time.monotonic() < until:
                time.sleep(0.01)
            rounds = looks["rounds"] - before
        finally:
            system.processes["broker"].send_signal(signal.SIGCONT)
        assert looks["delayed"] > 0 and rounds < 20 * SECONDS * 1000 / WAIT_MS  # without: tens of thousands
        assert all(future.get(timeout=30) for future in sent)
        producer.close(timeout=10)
