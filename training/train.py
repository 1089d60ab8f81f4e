"""A snapshot -> a trained recommender in data/models/<run>/: ``python -m training.train``."""

import argparse
import copy
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import torch
from feast import FeatureStore
from torch import Tensor
from tqdm import tqdm

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.cases import Case
from training.config import FAST, TrainConfig, add_flags, from_flags
from training.language import EncoderMissing, learning_rate
from training.language import load as load_language
from training.log import EmptyLog
from training.losses import label_loss
from training.metrics import summary
from training.next_item import window_loss
from training.recommender import Recommender, as_tensors, build
from training.runs import finish, write_config, write_weights
from training.samples import Catalogue, read_catalogue, read_labels, read_windows
from training.settings import TrainingSettings
from training.snapshot import latest
from training.text_cache import TextCache
from training.window import validation_cases

Batch = dict[str, Tensor]
EXAMPLES = """examples:
  python -m training.train
  python -m training.train --encoder /models/multilingual-e5-small --epochs 50 --minutes 30
  python -m training.train --fast
"""


@dataclass
class Data:
    """The tensors of one or more splits, cut into the batches of an epoch."""

    users: Batch  # [labels, ...]
    candidates: Batch  # [labels, 1 + negatives, ...]
    windows: Batch  # [windows, L]

    def batches(self, windows: int, labels: int) -> Iterator[tuple[Batch, Batch, Batch]]:
        """(windows, users, candidates) until the windows are used up; labels are dealt round and round."""
        deck = torch.randperm(len(self.candidates["rows"]))
        for number, chosen in enumerate(torch.split(torch.randperm(len(self.windows["fresh"])), windows)):
            dealt = deck.roll(-number * labels)[:labels]
            yield shuffle_ties(_take(self.windows, chosen)), _take(self.users, dealt), _take(self.candidates, dealt)

    def steps(self, windows: int) -> int:
        return math.ceil(len(self.windows["fresh"]) / windows)


def read_data(snapshot: Path, catalogue: Catalogue, splits: list[str]) -> Data:
    """The tensors of some splits of a snapshot."""
    labels = [read_labels(snapshot, catalogue, split) for split in splits]
    windows = [read_windows(snapshot, catalogue, split) for split in splits]
    return Data(_joined([users for users, _ in labels]), _joined([items for _, items in labels]), _joined(windows))


def _joined(parts: list[dict[str, Any]]) -> Batch:
    return as_tensors({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _take(tensors: Batch, rows: Tensor) -> Batch:
    return {name: tensor[rows] for name, tensor in tensors.items()}


def shuffle_ties(windows: Batch) -> Batch:
    """The entries of windows [n, L], those of one moment in random order.

    Histories break ties by item id. A sequence model would learn that the next item of a moment has the higher id.
    """
    order = torch.rand(windows["history_gaps"].shape).argsort(1)
    gaps = windows["history_gaps"].masked_fill(windows["history_actions"] == 0, torch.inf).gather(1, order)
    order = order.gather(1, gaps.argsort(dim=1, descending=True, stable=True))
    return {name: tensor.gather(1, order) for name, tensor in windows.items()}


def fit(
    recommender: Recommender, cache: TextCache, data: Data, cases: list[Case], epochs: int, config: TrainConfig
) -> list[dict[str, float]]:
    """Train; with ``cases``, stop when their NDCG@10 stops rising and keep the best weights. One record per epoch."""
    weights = recommender.weights()
    optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98))
    steps, started, step = data.steps(config.windows), time.monotonic(), 0
    refresh_every = math.ceil(steps * epochs / (config.encoder_refreshes + 1))
    average = copy.deepcopy(recommender)
    best: tuple[Batch, Batch] = ({}, {})
    patience, history = config.patience, list[dict[str, float]]()
    for epoch in range(1, epochs + 1):
        losses = []
        recommender.modules().train()
        bar = tqdm(data.batches(config.windows, config.labels), f"epoch {epoch}", steps, leave=False)
        for windows, users, candidates in bar:
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * pace(step, config.warmup, steps * epochs, config.final_rate)
            matrix = recommender.matrix(cache.vectors, config.residual_dropout)
            next_item = window_loss(recommender.ranker, windows, matrix, config.catalogue_negatives)
            ranking = label_loss(recommender.ranker, users, candidates, matrix)
            optimizer.zero_grad()
            (next_item + ranking).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, config.clip)
            optimizer.step()
            average.follow(recommender, 1 / min(step, config.averaged))
            losses.append((next_item.item(), ranking.item()))
            if config.encoder_refreshes and step % refresh_every == 0:
                bar.set_postfix_str("tuning the language model")
                cache.refresh()
                bar.set_postfix_str("")
        seconds = time.monotonic() - started
        record = {
            "epoch": epoch,
            "seconds": seconds,
            **dict(zip(("next_item", "ranking"), np.mean(losses, 0), strict=True)),
        }
        if cases:
            record |= summary(average.ranks(cases, cache.vectors))
            patience -= 1
            if record["ndcg@10"] > max((each["ndcg@10"] for each in history), default=-1.0):
                best, patience = (average.state(), cache.state()), config.patience
        history.append(record)
        print(" ".join(f"{name}={value:.4g}" for name, value in record.items()), flush=True)
        if patience == 0 or seconds > 60 * config.minutes:
            break
    recommender.restore(best[0] or average.state())
    cache.restore(best[1] or cache.state())
    return history


def pace(step: int, warmup: int, steps: int, final: float) -> float:
    """The learning rate's share at a step: a linear rise, then a straight line down to ``final``."""
    return min(step / max(warmup, 1), 1.0) * (1 - (1 - final) * step / steps)


def train(store: FeatureStore, settings: StoreSettings, snapshot: Path, models: Path, config: TrainConfig) -> Path:
    """Train on a snapshot and write the run; returns its folder."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    catalogue = read_catalogue(snapshot)
    tokenizer, language = load_language(config.encoder, config.encoder_tuning, config.encoder_layers, config.lora_rank)
    rate = learning_rate(config.encoder_tuning, config.encoder_learning_rate)
    schedule = (rate, config.encoder_warmup, config.encoder_steps)
    cache = TextCache(tokenizer, language, catalogue.texts, config.text_tokens, *schedule)
    recommender = build(config, cache.vectors.shape[1], torch.from_numpy(catalogue.attributes))
    cases = validation_cases(store, settings, snapshot, catalogue)
    data = read_data(snapshot, catalogue, ["train"])
    windows, labels = len(data.windows["fresh"]), len(data.candidates["rows"])
    print(f"{windows} history windows, {labels} labels, {len(cases)} validation cases")
    history = fit(recommender, cache, data, cases, config.epochs, config)
    folder = models / datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    write_config(folder, config, snapshot.name, history=history)
    write_weights(folder / "validated.pt", recommender, cache.state(), catalogue)
    if config.final_epochs:
        # The newest events matter most to a stream: take the validation window in, at the pace training ended with.
        late = replace(config, learning_rate=config.learning_rate * config.final_rate, encoder_refreshes=0)
        fit(recommender, cache, read_data(snapshot, catalogue, ["train", "validation"]), [], config.final_epochs, late)
    write_weights(folder / "model.pt", recommender, cache.state(), catalogue)
    finish(folder)
    return folder


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m training.train",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_flags(parser, TrainConfig)
    parser.add_argument("--fast", action="store_true", help="a small model in seconds, to see that all works")
    parser.add_argument("--snapshot", type=Path, help="folder of the snapshot (default: the latest)")
    chosen = parser.parse_args(arguments)
    config = from_flags(TrainConfig, chosen, **(FAST if chosen.fast else {}))
    settings, folders = StoreSettings(), TrainingSettings()
    try:
        snapshot = chosen.snapshot or latest(folders.snapshots)
        folder = train(open_store(settings), settings, snapshot, folders.models, config)
    except (EmptyLog, EncoderMissing) as error:
        sys.exit(str(error))
    print(f"-> {folder}")


if __name__ == "__main__":
    main()
