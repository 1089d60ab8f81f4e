"""environment -> the API's settings, read once at its entry point."""

from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.candidates.quotas import DEFAULT, Quotas
from streaming.events import Action


class ServingSettings(BaseSettings):
    """Where the API listens, its neighbours and its limits; every field is ``FRESHRANK_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="FRESHRANK_", frozen=True)

    data_dir: Path = Path("data")  # everything a laptop writes
    bundles: Path | None = None  # model bundles; data_dir/bundles by default
    slate: Path | None = None  # stages of every surface; serving/slate.yaml by default
    item_attributes: list[str] = []  # JSON: what filters and caps see of items; the first 32 names by default
    api_host: str = "127.0.0.1"
    api_port: int = 8080
    broker: str = "127.0.0.1:9092"  # Kafka protocol
    triton: str = "127.0.0.1:8001"  # gRPC
    model_required: bool = True  # false: ready before the first model, when rankings go by popularity

    max_under_way: int = Field(default=64, ge=1)  # rankings at once, and as many other requests; others get 503
    kept_users: int = Field(default=5_000, ge=0)  # users as last read, for when the online store is away: 10 kB each
    max_candidates: int = 10_000  # items in one ranking
    max_batch_events: int = 10_000  # events in one request
    max_recommended: int = 1_000  # `offset` + `k` of what is recommended, searched or similar
    max_batch_users: int = 200  # requests in one call of /v1/batch
    max_body_bytes: int = 16 * 2**20
    foreign_actions: dict[str, Action] = {}  # other recommenders' names of actions, JSON; add to serving/adapters

    deadline_ms: int = Field(default=500, ge=1)  # one ranking, where the caller does not say
    max_deadline_ms: int = Field(default=10_000, ge=1)  # what a caller may ask for
    feast_timeout_ms: int = 500  # one read of a user
    triton_timeout_ms: int = 1_000  # one inference
    broker_timeout_ms: int = 10_000  # acknowledgement of one request's events

    recommend_candidates: int = Field(default=200, ge=1)  # items scored for one recommendation
    candidate_quotas: Quotas = {}  # JSON: source -> its share of them, where it is not the usual one
    candidates_timeout_ms: int = 100  # all sources together
    exact_search_items: int = 50_000  # items searched by exact products; beyond it by an approximate index

    ranking_log_share: float = 1.0  # rankings that are logged to the topic `rankings`, 0 to 1

    api_keys: bool | None = None  # whether every request needs a key; by default where others than this machine can ask
    rate_limit: float = Field(
        default=1000.0, gt=0
    )  # requests a second of one key in one process, where the key does not say
    read_timeout_ms: int = 10_000  # for a whole request to arrive
    cors_origins: list[str] = []  # JSON: browser origins that may ask, as `https://shop.example`
    user_salt: SecretStr | None = None  # users appear in logs and exports under names made with it

    @property
    def salt(self) -> str | None:
        return self.user_salt.get_secret_value() if self.user_salt else None

    @property
    def keys_on(self) -> bool:
        return not _is_loopback(self.api_host) if self.api_keys is None else self.api_keys

    @property
    def quotas(self) -> dict[str, float]:
        return {str(source): share for source, share in (DEFAULT | self.candidate_quotas).items()}

    @property
    def bundles_dir(self) -> Path:
        return self.bundles or self.data_dir / "bundles"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"
