"""A training under way <-> checkpoint.pt in its run; it is gone when the run is finished."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.log import EmptyLog
from training.progress import Progress


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands."""

    stage: int  # 0 chooses the model, 1 takes the validation window in
    state: dict[str, Any]  # of a Progress

    @property
    def step(self) -> int:
        """Steps of its stage that are done."""
        return int(self.state["step"])


def path_of(run: Path) -> Path:
    """Where the checkpoint of a run lies while it is not finished."""
    return run / "checkpoint.pt"


def write(run: Path, stage: int, progress: Progress) -> None:
    """Put a checkpoint in the place of the one before, in one move."""
    scratch = run / "checkpoint.writing"
    torch.save({"stage": stage, "state": progress.state()}, scratch)
    scratch.replace(path_of(run))


def read(run: Path) -> Checkpoint:
    """The checkpoint of a run; raises EmptyLog when it has none."""
    if not path_of(run).exists():
        raise EmptyLog(f"{run} has no checkpoint to go on from: it is finished, or it never came to its first epoch")
    return Checkpoint(**torch.load(path_of(run), map_location="cpu", weights_only=True))


def remove(run: Path) -> None:
    """Forget it: the run is finished."""
    path_of(run).unlink(missing_ok=True)


def unfinished(models: Path) -> Path:
    """The newest run of a folder that has a checkpoint; raises EmptyLog when there is none."""
    found = sorted(models.glob("*/checkpoint.pt"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise EmptyLog(f"no run in {models} waits to be finished: run: python -m training.train")
    return found[-1].parent
