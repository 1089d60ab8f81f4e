"""Where the stores are, read from the environment once."""

from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from feature_repo import __file__ as _here


class StoreSettings(BaseSettings):
    """Addresses of the feature stores; every field is an environment variable ``FRESHRANK_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="FRESHRANK_", frozen=True)

    data_dir: Path = Path("data")  # everything a laptop writes; may be deleted
    feature_store: Path = Path(_here).parent / "feature_store.yaml"  # production.yaml outside a laptop
    redis: str = "127.0.0.1:6379"  # host:port[,password=...]
    registry: str | None = None  # SQLAlchemy URL; SQLite in data_dir by default
    offline_store: Literal["duckdb", "postgres"] = "duckdb"
    postgres_host: str = "127.0.0.1"
    postgres_port: int = 5432
    postgres_db: str = "freshrank"
    postgres_user: str = "freshrank"
    postgres_password: str = ""
    postgres_sslmode: str = "prefer"  # libpq's: encrypted where the server can; verify-full across a network
    user_salt: SecretStr | None = None  # logs, exports and what remembers erasures name users with it

    @property
    def salt(self) -> str | None:
        return self.user_salt.get_secret_value() if self.user_salt else None

    @property
    def registry_url(self) -> str:
        return self.registry or f"sqlite:///{self.data_dir.resolve()}/registry.db"

    @property
    def postgres_url(self) -> str:
        """SQLAlchemy URL of the PostgreSQL offline store."""
        user, password, database = (
            quote(text, safe="") for text in (self.postgres_user, self.postgres_password, self.postgres_db)
        )
        place = f"{self.postgres_host}:{self.postgres_port}/{database}?sslmode={self.postgres_sslmode}"
        return f"postgresql+psycopg://{user}:{password}@{place}"

    def offline_folder(self, table: str) -> Path:
        """Where the parquet parts of one table lie."""
        return self.data_dir.resolve() / "offline" / table
