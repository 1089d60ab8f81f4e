"""A snapshot and a span of time -> what was known when it began, and the events that came in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import pandas as pd
from feast import FeatureStore

from feature_repo.context import to_json
from feature_repo.settings import StoreSettings
from training.cases import World, world_at
from training.log import EmptyLog, entities, interactions
from training.queries import queries_among
from training.samples import Catalogue

ROLL = 10  # events per user that count as cases
MIN_SEEN = 1  # learned items a user met before


@dataclass
class Window:
    """Interactions before and after a cutoff, in time order; ``world`` is what is known at it."""

    past: pd.DataFrame  # of those actions that are labels
    events: pd.DataFrame  # of all actions: impressions are no cases, but they move features
    world: World
    cutoff: int  # epoch ms

    @property
    def later(self) -> pd.DataFrame:
        """The events that are labels."""
        return self.events[self.events.action.isin(self.world.labels)]


def read_metadata(snapshot: Path) -> dict[str, Any]:
    """What snapshot.json says."""
    metadata: dict[str, Any] = json.loads((snapshot / "snapshot.json").read_text())
    return metadata


def open_window(
    store: FeatureStore,
    settings: StoreSettings,
    snapshot: Path,
    catalogue: Catalogue,
    *,
    validation: bool,
    file: Path | None = None,
) -> Window:
    """The validation window of a snapshot, or everything after its cutoff: from ``file`` or from the offline log."""
    metadata = read_metadata(snapshot)
    actions = metadata["config"]["actions"].split(",")
    cutoff = metadata["validation_after_ms" if validation else "until_ms"]
    end = metadata["until_ms"] if validation else 2**62
    past = interactions(settings, 0, cutoff)
    events = read_events(file, cutoff, end) if file else interactions(settings, cutoff, end)
    past = past[past.action.isin(actions)]
    if not events.action.isin(actions).any():
        raise EmptyLog(f"nothing happened after the cutoff of {snapshot}: name a file with --interactions")
    users = entities(settings, "user_id", ("user_profile", "interactions"))
    world = world_at(store, catalogue, past, users, cutoff)
    world.queries, world.labels = queries_among(events.context), frozenset(actions)
    return Window(past, events, world, cutoff)


def read_events(file: Path, after_ms: int, until_ms: int) -> pd.DataFrame:
    """The interactions of a parquet file with ``after_ms < timestamp <= until_ms``, in time order."""
    events = pd.read_parquet(file)
    contexts = events.context.fillna("") if "context" in events else [""] * len(events)
    events["context"] = [each if isinstance(each, str) else to_json(each) or "" for each in contexts]
    events = events[(events.timestamp > after_ms) & (events.timestamp <= until_ms)]
    return events.sort_values("timestamp", kind="stable", ignore_index=True)
