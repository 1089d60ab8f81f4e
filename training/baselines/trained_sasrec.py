"""A snapshot's folder -> the SASRec trained on it, if one was: ``python -m training.sasrec`` leaves it there."""

import json
from pathlib import Path

import torch

from training.baselines.sasrec import SASRec, Scorer
from training.config import SasrecConfig


def trained(snapshot: Path, size: int, weights: str, seed: int) -> Scorer | None:
    """The newest finished training, one of this seed before others; ``weights`` are "final" or "validated"."""
    files = sorted(snapshot.glob("sasrec-*.json"), key=lambda path: (_config(path).seed == seed, path.stat().st_mtime))
    return read(files[-1], size, weights) if files else None


def read(path: Path, size: int, weights: str) -> Scorer:
    """The network of a finished training (its ``.json``) over a catalogue of ``size`` items."""
    config = _config(path)
    network = SASRec(size, config.length, config.layers, config.heads, config.dropout)
    network.load_state_dict(torch.load(path.with_suffix(".pt"), weights_only=True)[weights])
    return Scorer(network)


def _config(path: Path) -> SasrecConfig:
    return SasrecConfig(**json.loads(path.read_text())["config"])
