"""A shop's PostgreSQL as the source of a history."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from feature_repo.settings import StoreSettings
from streaming.events import InvalidEvent
from streaming.sources import Source, identity
from tests.postgres import PASSWORD, postgres
from tests.streaming.test_sources import read

pytestmark = pytest.mark.process

CLICKS = """
CREATE TABLE clicks AS SELECT
    md5(n::text)::uuid AS event_id, n % 7 AS customer, (n % 3)::numeric AS item, 'click' AS action,
    timestamptz '2025-06-15 15:06:40Z' + n * interval '1 second' AS at, n / 2.0 AS value,
    CASE WHEN n % 2 = 0 THEN n END AS position, '{"n": 1}'::json AS extra
FROM generate_series(1, 300000) AS n
"""
QUERY = """
SELECT event_id, customer AS user_id, item AS item_id, action, at AS timestamp, value, position, extra
FROM clicks ORDER BY at
"""
T = 1_750_000_000_000


@pytest.fixture(scope="module")
def shop() -> Iterator[StoreSettings]:
    with postgres() as server:
        engine = create_engine(server.postgres_url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(CLICKS))
        yield server


def test_a_table_of_postgresql_is_read_in_batches_whatever_its_types_are(shop: StoreSettings) -> None:
    url = shop.postgres_url.replace("postgresql+psycopg://", "postgresql://")
    found, rejected = read(Source(None, url, {"interactions": QUERY}))
    assert (len(found), rejected) == (300_000, [])
    assert found[:2] == [
        ["c4ca4238-a0b9-2382-0dcc-509a6f75849b", "1", "1", 3, T + 1000, 0.5, None, None, None],
        ["c81e728d-9d4c-2f63-6f06-7f89cc14862c", "2", "2", 3, T + 2000, 1.0, None, 2, None],
    ]


def test_what_postgresql_refuses_is_said_without_the_password(shop: StoreSettings, tmp_path: Path) -> None:
    source = Source(tmp_path, shop.postgres_url, {"interactions": "SELECT * FROM clocks"})
    with pytest.raises(InvalidEvent, match=r'does not answer: relation "clocks" does not exist') as raised:
        read(source)
    assert PASSWORD not in f"{raised.value}{source}{identity(source)}"
    assert shop.postgres_url.split(":")[2].split("@")[0] not in f"{raised.value}{source}{identity(source)}"
