"""environment -> the laptop system's settings, read once at each entry point."""

from pathlib import Path
from typing import NamedTuple

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
PREFIX = "FRESHRANK_"


class Address(NamedTuple):
    """A host and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class LaptopSettings(BaseSettings):
    """Where the neighbours of the laptop system listen and keep their data."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data_dir: Path = Path("data")  # everything that can be deleted
    broker: str = "127.0.0.1:9092"  # Kafka protocol
    redis: str = "127.0.0.1:6379"  # Feast connection string: host:port[,password=...]
    triton: str = "127.0.0.1:8001"  # gRPC
    triton_metrics_port: int = 8002
    triton_python: Path = ROOT / ".venv-triton/bin/python"  # numpy<2 lives here
    model_repository: Path = ROOT / "triton_models"
    api_host: str = LOOPBACK
    api_port: int = 8080
    search_path: str = Field(default="/usr/local/bin:/usr/bin:/bin", validation_alias="PATH")
    library_path: str = Field(default="", validation_alias="LD_LIBRARY_PATH")


def settings_from(environment: dict[str, str]) -> LaptopSettings:
    """Settings of processes started with these FRESHRANK_* variables on top of our own environment."""
    return LaptopSettings.model_validate(
        LaptopSettings().model_dump(by_alias=True)
        | {name.removeprefix(PREFIX).lower(): value for name, value in environment.items()}
    )


def address(text: str) -> Address:
    """`host:port[,option=value...]` -> Address; raises ValueError naming what is wrong."""
    host, colon, port = text.partition(",")[0].rpartition(":")
    if not (colon and host and port.isdecimal()):
        raise ValueError(f"'{text}' is no address: write host:port, for example 127.0.0.1:9092")
    return Address(host, int(port))


def password(connection: str) -> str | None:
    """The password of a Feast connection string `host:port[,password=...]`, if it has one."""
    options = (option.partition("=") for option in connection.split(",")[1:])
    return next((value for name, _, value in options if name == "password"), None)
