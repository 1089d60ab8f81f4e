"""The interactions of a snapshot -> SASRec, trained until it gets no better, kept beside the snapshot.

Two phases: on the training part until NDCG@10 on the validation window stops rising; then from the beginning for as
many epochs on both, so that it has seen what the model has. ``python -m training.evaluate`` finds the result.

``sasrec-<seed>-<configuration>.pt``       ``validated`` weights of the first phase, ``final`` ones of the second
``sasrec-<seed>-<configuration>.json``     configuration, epochs, seconds, what each epoch measured
``sasrec-<seed>-<configuration>.part.pt``  where a training stands that was stopped: the same command goes on from there
"""

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from feature_repo.settings import StoreSettings
from training.baselines.sasrec import SASRec, Scorer, padded, sequence_loss
from training.cases import Case
from training.command_line import command
from training.config import SasrecConfig, add_flags, from_flags
from training.log import EmptyLog, interactions
from training.metrics import rank, summary
from training.plain_cases import histories_of, plain_cases
from training.samples import Catalogue, read_catalogue
from training.sasrec_progress import Progress, finish, read_progress, write_progress
from training.settings import TrainingSettings
from training.snapshot import latest
from training.window import read_metadata

Array = npt.NDArray[Any]
EXAMPLES = """examples:
  python -m training.sasrec
  python -m training.sasrec --seed 1 --threads 1 --minutes 30     stops after half an hour; run it again to go on
  python -m training.sasrec --epochs 3 --cases 200                to see that all works
"""


def name_of(config: SasrecConfig) -> str:
    """What files of this configuration are called."""
    digest = hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode()).hexdigest()[:8]
    return f"sasrec-{config.seed}-{digest}"


def train_sasrec(
    settings: StoreSettings, snapshot: Path, config: SasrecConfig, minutes: float = float("inf")
) -> Path | None:
    """Train, or go on with what was stopped; returns the path of the weights, None when the minutes ran out."""
    weights, part = snapshot / f"{name_of(config)}.pt", snapshot / f"{name_of(config)}.part.pt"
    if weights.exists():
        return weights
    catalogue, metadata = read_catalogue(snapshot), read_metadata(snapshot)
    found = interactions(settings, 0, metadata["until_ms"])
    found = found[found.action.isin(metadata["config"]["actions"].split(","))]
    early = found.timestamp <= metadata["validation_after_ms"]
    cases = plain_cases(found[early], found[~early], catalogue)
    drawn = np.random.default_rng(0).permutation(len(cases))[: config.cases]
    progress, until = read_progress(part), time.monotonic() + 60 * minutes
    if progress.phase == "search":
        sequences = windows(histories_of(found[early], catalogue), config.length)
        _run(progress, config, catalogue, sequences, [cases[place] for place in sorted(drawn)], part, until)
    if progress.phase == "final":
        _run(progress, config, catalogue, windows(histories_of(found, catalogue), config.length), [], part, until)
    if progress.phase != "done":
        return None
    finish(weights, progress, config, snapshot.name)
    part.unlink()
    return weights


def windows(histories: Sequence[Array], length: int) -> list[Array]:
    """Sequences of at most ``length`` + 1 that teach every entry of the histories but the first."""
    ends = [(each, end) for each in histories for end in range(len(each), 1, -length)]
    return [each[max(0, end - length - 1) : end] for each, end in ends]


def _run(
    progress: Progress,
    config: SasrecConfig,
    catalogue: Catalogue,
    sequences: list[Array],
    cases: list[Case],
    part: Path,
    until: float,
) -> None:
    """One phase, epoch by epoch from where it stands, until it is over or the time is."""
    if progress.epoch == 0:
        torch.manual_seed(config.seed)
    network = SASRec(len(catalogue), config.length, config.layers, config.heads, config.dropout)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=(0.9, 0.98))
    if progress.epoch:
        network.load_state_dict(progress.network)
        optimizer.load_state_dict(progress.optimizer)
        torch.set_rng_state(progress.random)
    phase, epochs = progress.phase, config.epochs if progress.phase == "search" else progress.best
    bar = tqdm(total=epochs, initial=progress.epoch, desc=f"SASRec {phase}", unit=" epochs")
    while progress.phase == phase and time.monotonic() < until:
        started = time.monotonic()
        record = {
            "phase": phase,
            "epoch": progress.epoch + 1,
            "loss": train_epoch(network, optimizer, sequences, config),
        }
        if cases:
            record |= summary(validation_ranks(network, cases))
        record["seconds"] = time.monotonic() - started
        progress.history.append(record)
        _advance(progress, config, network, epochs)
        progress.network, progress.optimizer = network.state_dict(), optimizer.state_dict()
        progress.random = torch.get_rng_state()
        write_progress(part, progress)
        bar.update()
        bar.set_postfix({name: f"{record[name]:.4f}" for name in ("loss", "ndcg@10") if name in record})
    bar.close()


def _advance(progress: Progress, config: SasrecConfig, network: SASRec, epochs: int) -> None:
    """Count an epoch, keep the best weights, and go on to the next phase when this one is over."""
    progress.epoch += 1
    over = progress.epoch >= epochs
    if progress.phase == "search":
        reached = [record["ndcg@10"] for record in progress.history]
        if progress.best == 0 or reached[-1] > max(reached[:-1]):
            progress.best = progress.epoch
            progress.validated = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        if over or progress.epoch - progress.best >= config.patience:
            progress.phase, progress.epoch = "final", 0
    elif over:
        progress.phase = "done"


def train_epoch(
    network: SASRec, optimizer: torch.optim.Optimizer, sequences: list[Array], config: SasrecConfig
) -> float:
    """One pass over the sequences in batches of similar length; returns the mean loss."""
    network.train()
    mixed = sorted((sequences[place] for place in torch.randperm(len(sequences)).tolist()), key=len)
    batches = [mixed[start : start + config.batch] for start in range(0, len(mixed), config.batch)]
    losses = []
    for number in tqdm(torch.randperm(len(batches)).tolist(), "steps", leave=False, mininterval=1):
        loss = sequence_loss(network, padded(batches[number], config.length + 1), config.negatives)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def validation_ranks(network: SASRec, cases: list[Case]) -> list[float]:
    """The places of the cases' targets."""
    scores = Scorer(network)(cases)
    return [rank(row, case.target, case.seen) for row, case in zip(scores, cases, strict=True)]


def main(arguments: list[str] | None = None) -> None:
    parser = command("sasrec", __doc__, EXAMPLES)
    add_flags(parser, SasrecConfig)
    parser.add_argument("--snapshot", type=Path, help="folder of the snapshot (default: the latest)")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="no epoch starts after them (default: none)"
    )
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    config = from_flags(SasrecConfig, chosen)
    try:
        snapshot = chosen.snapshot or latest(TrainingSettings().snapshots)
        weights = train_sasrec(StoreSettings(), snapshot, config, chosen.minutes)
    except EmptyLog as error:
        sys.exit(str(error))
    print(f"-> {weights}" if weights else "stopped when the minutes were over: run the same command to go on")


if __name__ == "__main__":
    main()
