"""Topics that exist, and what a worker does when it loses partitions."""

import asyncio
from pathlib import Path

import pytest

from deploy.laptop.ports import free_environment, free_port
from deploy.laptop.system import running
from feature_repo.settings import StoreSettings
from streaming import app as worker_app
from streaming.broker import TOPICS, BrokerAway, create_topics
from streaming.metrics import Metrics
from streaming.settings import StreamSettings


@pytest.fixture
def stores(tmp_path: Path) -> StoreSettings:
    return StoreSettings(data_dir=tmp_path)


def test_a_worker_forgets_its_rows_when_its_partitions_are_revoked(
    stores: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgot: list[str] = []
    monkeypatch.setattr(worker_app.UserTracker, "forget", lambda self: forgot.append("users"))
    monkeypatch.setattr(worker_app.ItemTracker, "forget", lambda self: forgot.append("items"))

    async def revoke() -> None:
        app = worker_app.create_app(StreamSettings(), stores, dict.fromkeys(TOPICS, "id"), Metrics())
        await app.on_partitions_revoked.send(set())

    asyncio.run(revoke())
    assert forgot == ["users", "items"]


def test_without_a_broker_the_error_names_the_setting() -> None:
    with pytest.raises(BrokerAway, match="FRESHRANK_BROKER"):
        create_topics(StreamSettings(broker=f"127.0.0.1:{free_port()}"), timeout_s=0)


@pytest.mark.process
def test_topics_are_created_once_and_keep_their_ids(tmp_path: Path) -> None:
    environment = free_environment(tmp_path)
    with running(environment, ["broker"]):
        settings = StreamSettings(broker=environment["FRESHRANK_BROKER"], partitions=3)
        first = create_topics(settings)
        assert first == create_topics(settings)
        assert set(first) == set(TOPICS)
        assert len(set(first.values())) == len(TOPICS)
