"""Where an id can still be found: every store that a deletion has to empty, looked through for the id's bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from redis import Redis
from sqlalchemy import Engine, create_engine, inspect, text


def traces(data_dir: Path, redis: str, *databases: str, needle: str) -> list[str]:
    """Names of the places that hold ``needle``."""
    found = [*_in_redis(redis, needle.encode()), *_in_files(data_dir, needle.encode())]
    for url in databases:
        found += _in_tables(create_engine(url), needle)
    return found


def _in_redis(address: str, needle: bytes) -> Iterator[str]:
    host, port = address.split(",")[0].split(":")
    client: Any = Redis(host, int(port))
    read = {b"hash": lambda key: client.hgetall(key).items(), b"list": lambda key: [client.lrange(key, 0, -1)]}
    for key in client.scan_iter(count=1000):
        cells = read.get(client.type(key), lambda key: [[client.get(key) or b""]])(key)
        if needle in key or any(needle in text for cell in cells for text in cell):
            yield f"redis {key!r}"
    client.close()


def _in_files(data_dir: Path, needle: bytes) -> Iterator[str]:
    """Byte by byte, and parquet files row by row too: their pages are compressed."""
    for path in sorted(data_dir.rglob("*")):
        if not path.is_file():
            continue
        if needle in path.read_bytes() or needle in bytes(path):
            yield str(path.relative_to(data_dir))
        elif path.suffix == ".parquet" and needle.decode() in str(pq.ParquetFile(path).read().to_pylist()):
            yield f"{path.relative_to(data_dir)} (in its rows)"


def _in_tables(engine: Engine, needle: str) -> Iterator[str]:
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                if needle in str(row):
                    yield f"table {table}"
                    break
    engine.dispose()
