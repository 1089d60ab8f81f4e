"""environment -> the API's settings, read once at its entry point."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from streaming.events import Action


class ServingSettings(BaseSettings):
    """Where the API listens, its neighbours and its limits; every field is ``FRESHRANK_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="FRESHRANK_", frozen=True)

    data_dir: Path = Path("data")  # everything a laptop writes
    bundles: Path | None = None  # model bundles; data_dir/bundles by default
    api_host: str = "127.0.0.1"
    api_port: int = 8080
    broker: str = "127.0.0.1:9092"  # Kafka protocol
    triton: str = "127.0.0.1:8001"  # gRPC

    max_candidates: int = 10_000  # items in one ranking
    max_batch_events: int = 10_000  # events in one request
    max_body_bytes: int = 16 * 2**20
    foreign_actions: dict[str, Action] = {}  # other recommenders' names of actions, JSON; add to serving/adapters

    deadline_ms: int = 500  # one ranking, where the caller does not say
    max_deadline_ms: int = 10_000  # what a caller may ask for
    feast_timeout_ms: int = 500  # one read of a user
    triton_timeout_ms: int = 1_000  # one inference
    broker_timeout_ms: int = 10_000  # acknowledgement of one request's events

    ranking_log_share: float = 1.0  # rankings that are logged to the topic `rankings`, 0 to 1

    @property
    def bundles_dir(self) -> Path:
        return self.bundles or self.data_dir / "bundles"
