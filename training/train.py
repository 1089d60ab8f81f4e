"""A snapshot -> a trained recommender in data/models/<run>/: ``python -m training.train``."""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.cases import Case
from training.config import FAST, TrainConfig, add_flags, from_flags
from training.language import EncoderMissing, TextCache, merged
from training.language import load as load_language
from training.log import EmptyLog
from training.losses import label_loss, window_loss
from training.metrics import summary
from training.recommender import Recommender, as_tensors, build, save
from training.samples import Catalogue, read_catalogue, read_labels, read_windows
from training.settings import TrainingSettings
from training.snapshot import latest
from training.validation import validation_cases

Batch = dict[str, Tensor]
EXAMPLES = """examples:
  python -m training.train
  python -m training.train --encoder /models/multilingual-e5-small --epochs 50 --minutes 30
  python -m training.train --fast
"""


class Data:
    """The tensors of one or more splits, cut into the batches of an epoch."""

    def __init__(self, snapshot: Path, catalogue: Catalogue, splits: list[str]) -> None:
        parts = [read_labels(snapshot, catalogue, split) for split in splits]
        self.users = _joined([users for users, _ in parts])
        self.candidates = _joined([candidates for _, candidates in parts])
        self.windows = _joined([read_windows(snapshot, catalogue, split) for split in splits])

    def batches(self, windows: int, labels: int) -> Iterator[tuple[Batch, Batch, Batch]]:
        """(windows, users, candidates) until the windows are used up; labels are dealt round and round."""
        deck = torch.randperm(len(self.candidates["rows"]))
        for number, chosen in enumerate(torch.randperm(len(self.windows["fresh"])).split(windows)):
            dealt = deck.roll(-number * labels)[:labels]
            yield _take(self.windows, chosen), _take(self.users, dealt), _take(self.candidates, dealt)

    def steps(self, windows: int) -> int:
        return math.ceil(len(self.windows["fresh"]) / windows)


def _joined(parts: list[dict[str, Any]]) -> Batch:
    return as_tensors({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _take(tensors: Batch, rows: Tensor) -> Batch:
    return {name: tensor[rows] for name, tensor in tensors.items()}


def fit(recommender: Recommender, cache: TextCache, data: Data, cases: list[Case], config: TrainConfig) -> list[dict[str, float]]:
    """Train until the validation NDCG@10 stops rising; the recommender keeps the best weights. Returns one record per epoch."""
    weights = recommender.weights()
    optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98))
    steps, started, step = data.steps(config.windows), time.monotonic(), 0
    refresh_every = math.ceil(steps * config.epochs / (config.lora_refreshes + 1))
    best, best_state, history = -1.0, recommender.state(), []
    for epoch in range(config.epochs):
        losses = []
        recommender.modules().train()
        for windows, users, candidates in tqdm(data.batches(config.windows, config.labels), f"epoch {epoch + 1}", steps, leave=False):
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * min(1.0, step / config.warmup)
            matrix = recommender.matrix(cache.vectors, config.residual_dropout)
            next_item = window_loss(recommender.ranker, windows, matrix, config.catalogue_negatives)
            ranking = label_loss(recommender.ranker, users, candidates, matrix)
            optimizer.zero_grad()
            (next_item + ranking).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, config.clip)
            optimizer.step()
            losses.append((next_item.item(), ranking.item()))
            if config.lora_rank and step % refresh_every == 0:
                cache.refresh()
        metrics = summary(recommender.ranks(cases, cache.vectors))
        seconds = time.monotonic() - started
        record = {"epoch": epoch + 1, "seconds": seconds, **dict(zip(("next_item", "ranking"), np.mean(losses, 0), strict=True)), **metrics}
        print(" ".join(f"{name}={value:.4g}" for name, value in record.items()), flush=True)
        history.append(record)
        if metrics["ndcg@10"] > best:
            best, best_state = metrics["ndcg@10"], recommender.state()
            patience = config.patience
        else:
            patience -= 1
        if patience == 0 or seconds > 60 * config.minutes:
            break
    recommender.restore(best_state)
    return history
