"""What the loop tells -> curves: a line of JSON each, TensorBoard, and Weights & Biases when asked.

``curves.jsonl`` has a record about every twenty steps and one an epoch: ``kind`` step or epoch, ``stage`` train or
final, ``step`` (of both stages), ``epoch``, ``seconds``, losses, and lr, gradient_norm and samples_per_second (steps)
or the validation metrics (epochs). ``tensorboard --logdir data/models`` shows them all.
"""

import importlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from training.log import EmptyLog

CHOOSE, FINAL = 0, 1  # stages of a training
STAGES = ("train", "final")


class Curves:
    """The open curves of a run, from a step on: what an interrupted training told after that step is dropped."""

    def __init__(self, run: Path, step: int, config: Mapping[str, Any], wandb: bool = False) -> None:
        from torch.utils.tensorboard import SummaryWriter  # slow to import, and only a training draws

        run.mkdir(parents=True, exist_ok=True)
        self._file = (run / "curves.jsonl").open("a")
        drop_after(run / "curves.jsonl", step)
        self._board: Any = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1)
        self._wandb = _weights_and_biases(run, config) if wandb else None

    def write(self, kind: str, stage: int, before: int, record: Mapping[str, float]) -> None:
        """One record of a stage that began after ``before`` steps."""
        record = {**record, "step": record["step"] + before}
        self._file.write(json.dumps({"kind": kind, "stage": STAGES[stage], **record}) + "\n")
        self._file.flush()
        drawn = {f"{kind}/{name}": value for name, value in record.items() if name != "step"}
        for name, value in drawn.items():
            self._board.add_scalar(name, value, record["step"])
        if self._wandb:
            self._wandb.log(drawn, step=record["step"])

    def __enter__(self) -> "Curves":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._board.close()
        if self._wandb:
            self._wandb.finish()


def drop_after(file: Path, step: int) -> None:
    """Leave the records up to a step; a line that a crash cut short goes too."""
    kept = [line for line in file.read_text().splitlines(keepends=True) if _step(line) <= step]
    file.write_text("".join(kept))


def _step(line: str) -> float:
    return float(json.loads(line)["step"]) if line.endswith("\n") else float("inf")


def _weights_and_biases(run: Path, config: Mapping[str, Any]) -> Any:
    if importlib.util.find_spec("wandb") is None:
        raise EmptyLog(
            "--wandb needs Weights & Biases: pip install wandb, then wandb login (or set WANDB_MODE=offline)"
        )
    wandb = importlib.import_module("wandb")
    wandb.init(project="freshrank", name=run.name, id=run.name, dir=str(run), config=dict(config), resume="allow")
    return wandb
