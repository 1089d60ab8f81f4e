"""A snapshot -> the cases of its validation window, walked as a live service would meet them."""

import json
from pathlib import Path

from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training.cases import Case, walk, world_at
from training.log import entities, interactions
from training.samples import Catalogue

ROLL = 10  # events per user that count as cases
MIN_SEEN = 1  # learned items a user met before


def validation_cases(store: FeatureStore, settings: StoreSettings, snapshot: Path, catalogue: Catalogue) -> list[Case]:
    """Every case between the end of the training labels and the snapshot's cutoff."""
    metadata = json.loads((snapshot / "snapshot.json").read_text())
    begin, end = metadata["validation_after_ms"], metadata["until_ms"]
    actions = metadata["config"]["actions"].split(",")
    past, events = (interactions(settings, *span) for span in ((0, begin), (begin, end)))
    users = entities(settings, "user_id", ("user_profile", "interactions"))
    world = world_at(store, catalogue, past[past.action.isin(actions)], users, begin)
    return list(walk(world, events[events.action.isin(actions)], ROLL, MIN_SEEN))
