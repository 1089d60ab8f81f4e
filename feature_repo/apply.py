"""features.py -> the registry: ``python -m feature_repo.apply``."""

from feature_repo.features import VIEWS, ranking_v1
from feature_repo.settings import StoreSettings
from feature_repo.store import open_applied


def main() -> None:
    settings = StoreSettings()
    open_applied(settings)
    views = ", ".join(view.name for view in VIEWS)
    print(f"applied {views} and {ranking_v1.name} to {settings.registry_url.split('@')[-1]}")


if __name__ == "__main__":
    main()
