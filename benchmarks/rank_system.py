"""A small world for rankings: users with full rows, items in the store, a tiny model in Triton."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import trange

from benchmarks.http_client import HttpClient
from benchmarks.synthetic_catalogue import lists_of
from benchmarks.tiny_model import write_bundle
from deploy.laptop.ports import free_environment
from deploy.laptop.settings import ROOT
from deploy.laptop.system import System, running
from feature_repo import item_activity, user_activity
from feature_repo.features import item_activity as item_activity_view
from feature_repo.features import item_content, user_profile
from feature_repo.features import user_activity as user_activity_view
from feature_repo.item_activity import ItemActivity
from feature_repo.neighbours import write_neighbours
from feature_repo.online import OnlineRows, Row
from feature_repo.settings import StoreSettings
from feature_repo.store import apply, open_store
from feature_repo.user_activity import UserActivity, advance
from feature_repo.vocabulary import ACTIONS, HALF_LIVES, HISTORY_LENGTH, VECTOR_SIZE
from streaming.broker import create_topics
from streaming.settings import StreamSettings
from training.config import TrainConfig
from training.item_neighbours import KEPT
from training.model import Ranker
from training.onnx_models import export_ranker, export_user_encoder
from training.user_encoder import UserEncoder

CATEGORIES = ("Action", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi", "Thriller", "War")
PART = 10_000  # items written at once
LISTED_UP_TO = 100_000  # items; lists of a million are 1.6 GB
LEAST_LOADED = 500  # items a second that the API loads at the very least


def lay_out(environment: dict[str, str], items: int, seed: int = 0, real: bool = False) -> list[str]:
    """Write a Triton repository and a promoted bundle where the environment says; returns the item ids.

    ``real`` takes the trainer's ranker and user encoder (their weights are random: they cost the same) in place of the
    tiny ones, and, in catalogues that are no larger than LISTED_UP_TO, lists of near items.
    """
    repository, bundles = Path(environment["FRESHRANK_MODEL_REPOSITORY"]), Path(environment["FRESHRANK_BUNDLES"])
    for model in ("ranker", "user_encoder", "item_encoder"):
        (repository / model).mkdir(parents=True)
        shutil.copy(ROOT / "triton_models" / model / "config.pbtxt", repository / model)
    item_ids = [f"item-{number}" for number in range(items)]
    contents = [_content(place) for place in range(items)]
    bundle = write_bundle(bundles, repository, item_ids, vectors(items, seed), 1, contents)
    if real:
        chosen = TrainConfig()
        ranker = Ranker(chosen.layers, chosen.heads, chosen.hidden, chosen.dropout)
        export_ranker(ranker, bundle / "ranker.onnx")
        known = torch.from_numpy(vectors(items, seed).astype(np.float32))
        export_user_encoder(UserEncoder(ranker, known).eval(), bundle / "user_encoder.onnx")
        if items <= LISTED_UP_TO:
            write_neighbours(bundle / "item_neighbours.npz", lists_of(items, listed=KEPT))
    return item_ids


@contextmanager
def ranking_system(users: int, items: int) -> Iterator[tuple[System, list[str], list[str]]]:
    """A running API among its neighbours with the trainer's ranker, ready; with the ids of its users and items."""
    with tempfile.TemporaryDirectory(prefix="freshrank-bench-") as directory:
        environment = free_environment(Path(directory))
        item_ids = lay_out(environment, items, real=True)
        with running(environment, ["broker", "online-store", "triton"]) as system:
            print("the neighbours run; filling the online store", file=sys.stderr)
            create_topics(StreamSettings(broker=environment["FRESHRANK_BROKER"]))
            user_ids = seed_store(environment, users, item_ids, time.time_ns() // 1_000_000)
            system.start("api")
            wait_until_ready(system, 60 + items / LEAST_LOADED)
            yield system, user_ids, item_ids


def wait_until_ready(system: System, timeout: float = 60) -> None:
    """Return once the API can rank; raises SystemExit with what is lacking."""
    client = HttpClient(system.settings.api_host, system.settings.api_port)
    deadline = time.monotonic() + timeout
    while (answer := client.get("/health/ready"))[0] != 200:
        if time.monotonic() > deadline:
            raise SystemExit(f"the API is not ready: {answer[1].decode()}")
        time.sleep(0.1)
    client.close()


def stores(environment: dict[str, str]) -> StoreSettings:
    """Where the feature stores of this environment are."""
    return StoreSettings(data_dir=Path(environment["FRESHRANK_DATA_DIR"]), redis=environment["FRESHRANK_REDIS"])


def vectors(count: int, seed: int) -> npt.NDArray[Any]:
    return np.random.default_rng(seed).normal(0, 0.1, (count, VECTOR_SIZE))


def seed_store(environment: dict[str, str], users: int, item_ids: list[str], now_ms: int) -> list[str]:
    """Set the feature store up and fill it through Feast; returns the user ids."""
    store = open_store(stores(environment))
    apply(store)
    user_ids = [f"user-{number}" for number in range(users)]
    stamp = now_ms * 1000
    OnlineRows(store, user_profile).write([Row(user, stamp, _profile(place)) for place, user in enumerate(user_ids)])
    OnlineRows(store, user_activity_view).write(
        [Row(user, stamp, _activity(place, item_ids, now_ms)) for place, user in enumerate(user_ids)]
    )
    contents, activities = OnlineRows(store, item_content), OnlineRows(store, item_activity_view)
    for start in trange(0, len(item_ids), PART, desc="parts of the catalogue", disable=len(item_ids) <= PART):
        part = list(enumerate(item_ids[start : start + PART], start))
        contents.write([Row(item, stamp, _content(place)) for place, item in part])
        activities.write([Row(item, stamp, _item_activity(place, now_ms)) for place, item in part])
    return user_ids


def _profile(place: int) -> dict[str, Any]:
    return {"user_attributes": [f"age={20 + place % 50}", "country=CH", f"occupation={place % 20}"]}


def _activity(place: int, item_ids: list[str], now_ms: int) -> dict[str, Any]:
    random = np.random.default_rng(place)
    activity = UserActivity()
    for step, item in enumerate(random.choice(item_ids, HISTORY_LENGTH)):
        categories = random.choice(CATEGORIES, 2, replace=False).tolist()
        at = now_ms - (HISTORY_LENGTH - step) * 60_000
        activity = advance(activity, str(item), str(random.choice(ACTIONS[1:6])), at, categories)
    return user_activity.to_row(activity)


def _content(place: int) -> dict[str, Any]:
    return {
        "item_title": f"Title {place}",
        "item_text": "A text that no ranking reads.",
        "item_categories": [CATEGORIES[place % 8], CATEGORIES[(place // 8) % 8]],
        "item_attributes": [f"year={1950 + place % 75}"],
        "item_image_vector": [],
        "item_audio_vector": [],
        "item_published_at": 1_600_000_000_000 + place * 1000,
        "item_available": True,
    }


def _item_activity(place: int, now_ms: int) -> dict[str, Any]:
    counts = np.random.default_rng(place).random((len(HALF_LIVES), len(ACTIONS))) * 20
    return item_activity.to_row(ItemActivity(now_ms, tuple(tuple(row) for row in counts.tolist())))
