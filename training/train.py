"""A snapshot -> a trained recommender in data/models/<run>/: ``python -m training.train``."""

import argparse
import sys
from pathlib import Path

import feature_repo.lean_feast  # noqa: F401

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.ablation import parts
from training.checkpoint import unfinished
from training.command_line import command
from training.config import FAST, TrainConfig, add_flags, from_flags
from training.heads import blend_of
from training.language import EncoderMissing
from training.log import EmptyLog
from training.loop import Stopped
from training.losses import LOSSES
from training.processes import join
from training.runs import read_config
from training.scorer import SCORERS
from training.settings import TrainingSettings
from training.snapshot import latest
from training.stages import train
from training.step import Diverged

EXAMPLES = """examples:
  python -m training.train
  python -m training.train --encoder /models/multilingual-e5-small --epochs 50 --minutes 30
  python -m training.train --fast
  python -m training.train --resume                 go on with the newest run that was stopped (Ctrl-C, SIGTERM, kill)
  python -m training.train --resume data/models/20261122-190000
  accelerate launch --num_processes 2 --cpu -m training.train      two processes of one training; on GPUs without --cpu
  tensorboard --logdir data/models                  its curves, while it runs
"""


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    made = command("train", __doc__, EXAMPLES)
    add_flags(made, TrainConfig)
    made.add_argument("--fast", action="store_true", help="a small model in seconds, to see that all works")
    made.add_argument("--snapshot", type=Path, help="folder of the snapshot (default: the latest)")
    made.add_argument("--resume", type=Path, nargs="?", const=Path(), metavar="RUN", help=RESUME)
    made.add_argument("--wandb", action="store_true", help="draw curves on Weights & Biases too (pip install wandb)")
    return made


RESUME = "go on with a run that was stopped (default: the newest), by its own configuration and snapshot"


def check(config: TrainConfig) -> None:
    """Exit with the reason where a setting is none that there is, before anything is read."""
    try:
        parts(config.without)
        blend_of(config.head_weights)
    except ValueError as error:
        sys.exit(str(error))
    for name, chosen, known in (("scorer", config.scorer, SCORERS), ("loss", config.loss, LOSSES)):
        if chosen not in known:
            sys.exit(f"there is no {name} {chosen!r}: choose one of {', '.join(known)}")


def main(arguments: list[str] | None = None) -> None:
    chosen = parser().parse_args(arguments)
    settings, folders = StoreSettings(), TrainingSettings()
    try:
        resume = chosen.resume
        if resume is not None:
            resume = unfinished(folders.models) if resume == Path() else resume
            config, snapshot_id = read_config(resume)
            snapshot = folders.snapshots / snapshot_id
        else:
            config = from_flags(TrainConfig, chosen, **(FAST if chosen.fast else {}))
            check(config)
            snapshot = chosen.snapshot or latest(folders.snapshots)
        run = train(open_store(settings), settings, snapshot, folders.models, config, resume, chosen.wandb)
    except (EmptyLog, EncoderMissing, Stopped, Diverged) as error:
        sys.exit(str(error) if join(cpu=False).first else 1)
    if join(cpu=False).first:
        print(f"-> {run}")


if __name__ == "__main__":
    main()
