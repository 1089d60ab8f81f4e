"""Where training reads and writes, read from the environment once."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class TrainingSettings(BaseSettings):
    """Folders of the trainer; every field is an environment variable ``FRESHRANK_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="FRESHRANK_", frozen=True)

    data_dir: Path = Path("data")  # everything a laptop writes; may be deleted
    model_repository: Path = Path("triton_models")  # what Triton serves
    bundles: Path | None = None  # promoted models; data_dir/bundles by default
    broker: str = "127.0.0.1:9092"  # Kafka protocol: where logged rankings are read

    @property
    def bundle_folder(self) -> Path:
        return self.bundles or self.data_dir / "bundles"

    @property
    def snapshots(self) -> Path:
        return self.data_dir / "snapshots"

    @property
    def models(self) -> Path:
        return self.data_dir / "models"
