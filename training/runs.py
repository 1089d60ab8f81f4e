"""data/models/<run>/: a training run on disk.

``config.json`` resolved configuration, snapshot, epochs; ``model.pt`` the weights to export; ``validated.pt`` those
that were measured on the validation window, before the last epochs took it in; ``metrics.json`` what evaluate measured;
``curves.jsonl`` and ``tensorboard/`` how the training went; ``checkpoint.pt`` where it stands until it is finished.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from feature_repo.neighbours import Neighbours
from training.config import TrainConfig
from training.log import EmptyLog
from training.recommender import Recommender, build
from training.samples import Catalogue

State = dict[str, Tensor]


@dataclass(frozen=True)
class Run:
    """A run that was read: the recommender in evaluation mode, the text vectors and adapter it goes with."""

    path: Path
    config: TrainConfig
    snapshot_id: str
    item_ids: list[str]
    recommender: Recommender
    text: Tensor  # [n, text_size]
    adapter: State  # trained weights of the language model, empty when it was not tuned
    fingerprints: npt.NDArray[np.int64] | None  # [n] of the texts (item_text.py); runs of before they were kept: none


def new_run(models: Path) -> Path:
    """An empty folder named by the time, UTC; a run that began in the same second has another."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for name in (moment, *(f"{moment}-{number}" for number in range(2, 1000))):
        try:
            (models / name).mkdir(parents=True)
        except FileExistsError:
            continue
        return models / name
    raise FileExistsError(f"{models} has a thousand runs of {moment}")


def write_config(folder: Path, config: TrainConfig, snapshot_id: str, **facts: Any) -> None:
    """Say how a run was made."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {"config": asdict(config), "snapshot_id": snapshot_id, **facts}
    (folder / "config.json").write_text(json.dumps(made, indent=1) + "\n")


def read_config(folder: Path) -> tuple[TrainConfig, str]:
    """Configuration and snapshot id of a run, finished or not; raises EmptyLog when it is none."""
    if not (folder / "config.json").exists():
        raise EmptyLog(f"{folder} is no training run: it has no config.json")
    made = json.loads((folder / "config.json").read_text())
    return TrainConfig(**made["config"]), str(made["snapshot_id"])


def read_history(folder: Path) -> list[dict[str, float]]:
    """The epochs of a run that chose its model; empty before."""
    path = folder / "config.json"
    found: list[dict[str, float]] = json.loads(path.read_text()).get("history", []) if path.exists() else []
    return found


def write_weights(path: Path, recommender: Recommender, language: State, catalogue: Catalogue) -> None:
    """Write weights; ``language`` is what ``TextCache.state`` returned."""
    weights = {"state": recommender.state(), "language": language, "attributes": recommender.attributes}
    weights["media"] = recommender.media
    if recommender.neighbours is not None:
        weights["neighbours"] = {
            name: torch.from_numpy(array) for name, array in recommender.neighbours._asdict().items()
        }
    torch.save({**weights, "item_ids": catalogue.ids, "fingerprints": torch.tensor(catalogue.fingerprints)}, path)


def finish(folder: Path) -> None:
    """Make this run the latest one."""
    (folder.parent / "latest").write_text(folder.name)


def latest_run(models: Path) -> Path:
    """The newest run of a folder; raises EmptyLog when there is none."""
    if not (models / "latest").exists():
        raise EmptyLog(f"there is no model in {models}: run: python -m training.train")
    return models / (models / "latest").read_text()


def read_run(folder: Path, weights: str = "model.pt") -> Run:
    """A run from disk."""
    made = json.loads((folder / "config.json").read_text())
    saved = torch.load(folder / weights, map_location="cpu", weights_only=True)
    text = saved["language"].pop("text")
    recommender = build(TrainConfig(**made["config"]), text.shape[1], saved["attributes"], saved.get("media"))
    if "neighbours" in saved:
        recommender.neighbours = Neighbours(**{name: tensor.numpy() for name, tensor in saved["neighbours"].items()})
    recommender.restore(saved["state"])
    recommender.modules().eval()
    config, snapshot_id = TrainConfig(**made["config"]), made["snapshot_id"]
    fingerprints = saved["fingerprints"].numpy() if "fingerprints" in saved else None
    return Run(folder, config, snapshot_id, saved["item_ids"], recommender, text, saved["language"], fingerprints)
