"""settings -> an open Feast store. The only place that reads feature_store.yaml."""

from string import Template

import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig

from feature_repo import features
from feature_repo.settings import StoreSettings


def open_store(settings: StoreSettings) -> FeatureStore:
    """The feature store of these settings; connects to Redis only when it is first read."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    values = {**settings.model_dump(), "registry_url": settings.registry_url}
    text = Template(settings.feature_store.read_text()).substitute(values)
    return FeatureStore(config=RepoConfig(**yaml.safe_load(text)))


def apply(store: FeatureStore) -> None:
    """Write every definition of features.py to the registry; the same again changes nothing."""
    store.apply([features.user, features.item, *features.VIEWS, features.ranking_v1])
    store.refresh_registry()
