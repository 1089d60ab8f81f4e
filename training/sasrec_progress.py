"""Where a SASRec training stands, on disk: a stopped one goes on from there, a finished one is what evaluate reads."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.config import SasrecConfig

State = dict[str, Tensor]
PHASES = ("search", "final")


@dataclass
class Progress:
    """Where a training stands; what a checkpoint keeps."""

    phase: str = "search"  # search, final, done
    epoch: int = 0  # epochs of this phase that are over
    best: int = 0  # the epoch of the best validation NDCG@10
    history: list[dict[str, Any]] = field(default_factory=list)
    validated: State = field(default_factory=dict)
    network: State = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    random: Tensor = field(default_factory=torch.get_rng_state)


def read_progress(part: Path) -> Progress:
    """Where a training stopped, or the beginning."""
    return Progress(**torch.load(part, weights_only=True)) if part.exists() else Progress()


def write_progress(part: Path, progress: Progress) -> None:
    """Keep where a training stands; a crash while writing leaves what was there."""
    _save(vars(progress), part)


def finish(weights: Path, progress: Progress, config: SasrecConfig, snapshot_id: str) -> None:
    """Write the weights of both phases, and how they were made beside them."""
    seconds = {phase: sum(each["seconds"] for each in progress.history if each["phase"] == phase) for phase in PHASES}
    made = {"config": asdict(config), "snapshot_id": snapshot_id, "epochs": progress.best, "seconds": seconds}
    _save({"validated": progress.validated, "final": progress.network}, weights)
    weights.with_suffix(".json").write_text(json.dumps({**made, "history": progress.history}, indent=1) + "\n")


def _save(what: dict[str, Any], path: Path) -> None:
    torch.save(what, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)
