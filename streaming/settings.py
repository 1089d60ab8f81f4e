"""How the worker meets the broker, read from the environment once."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class StreamSettings(BaseSettings):
    """Every field is an environment variable ``FRESHRANK_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="FRESHRANK_", frozen=True)

    broker: str = "127.0.0.1:9092"
    partitions: int = 4  # of every topic, when the worker creates it
    replicas: int = 1  # copies of every partition; 3 on a cluster
    batch_size: int = 16_000  # events a worker takes before it writes and acknowledges
    cached_rows: int = 50_000  # entity rows a worker keeps in memory per view
    fetch_wait_ms: int = 20  # how long the broker may hold an empty fetch
    session_timeout_s: float = 6.0  # a worker silent for longer loses its partitions
    commit_interval_s: float = 1.0  # how often acknowledged offsets are committed
    compact_every_s: float = 300.0  # how often a worker merges small parts of the offline log; 0: never
    erase_every_s: float = 2.0  # how often a worker looks for deletions to carry out in the offline log; 0: never
    erase_again_s: float = 900.0  # all stores are searched once more so long after that
    worker_host: str = "127.0.0.1"  # where a worker answers Prometheus
    worker_metrics_port: int = 8003  # 0: it does not
    write_retries: int = 8  # attempts, with backoff, before a worker stops because a store is away
