"""settings -> an open Feast store. The only place that reads feature_store.yaml."""

import logging
import random
import time
from string import Template
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig
from sqlalchemy.exc import SQLAlchemyError

from feature_repo import features
from feature_repo.settings import StoreSettings

log = logging.getLogger(__name__)


def open_store(settings: StoreSettings) -> FeatureStore:
    """The feature store of these settings; connects to Redis only when it is first read."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    values = {**settings.model_dump(), "registry_url": settings.registry_url}
    # Feast warns that a cached registry may show an old state of a materialisation: the stream never materialises.
    logging.getLogger("feast.repo_config").setLevel(logging.ERROR)
    config = yaml.safe_load(settings.feature_store.read_text())
    return FeatureStore(config=RepoConfig(**_filled(config, values)))


def _filled(node: Any, values: dict[str, Any]) -> Any:
    """A parsed document with its ``${names}`` replaced: after parsing, so that no password is read as YAML."""
    if isinstance(node, dict):
        return {key: _filled(inner, values) for key, inner in node.items()}
    return Template(node).substitute(values) if isinstance(node, str) else node


def apply(store: FeatureStore) -> None:
    """Write every definition of features.py to the registry; the same again changes nothing."""
    store.apply([features.user, features.item, *features.VIEWS, features.ranking_v1])
    store.refresh_registry()


def open_applied(settings: StoreSettings, attempts: int = 6) -> FeatureStore:
    """The feature store, its definitions written to the registry; again where other processes do the same right now.

    Feast's registry looks whether a row is there and then makes it: of workers that start together only one succeeds.
    """
    while True:
        store, attempts = open_store(settings), attempts - 1
        try:
            apply(store)
        except SQLAlchemyError as error:
            if not attempts:
                raise
            log.info("the registry could not be written, trying again: %s", error)
            time.sleep(random.uniform(0.1, 1))
        else:
            return store
