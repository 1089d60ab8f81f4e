"""What does the training loop cost beyond the arithmetic of its steps, and how soon is it as good as SASRec?

Needs a snapshot (make demo leaves one in data/demo). The loop and its floor take epochs in turn, on the same batches of
the same model: the floor only runs them forward and backward. With --sasrec the trainer itself then runs until its
validation NDCG@10 reaches the best of a SASRec history, as ``python -m training.sasrec`` leaves it beside the snapshot.

examples:
  FRESHRANK_DATA_DIR=data/demo python -m benchmarks.train
  FRESHRANK_DATA_DIR=data/demo python -m benchmarks.train --json --rounds 3
  FRESHRANK_DATA_DIR=data/demo python -m benchmarks.train --sasrec data/demo/snapshots/ID/sasrec-0-89abcdef.json
"""

import argparse
import contextlib
import json
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import torch

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.batches import Batch
from training.cases import Case
from training.config import TrainConfig, add_flags, from_flags
from training.curves import Curves
from training.heads import taught
from training.held_out import HeldOut
from training.log import EmptyLog
from training.loop import Around, fit
from training.objective import step_losses, weights_of
from training.progress import Record
from training.recommender import Recommender
from training.schedule import seed_of
from training.settings import TrainingSettings
from training.snapshot import latest
from training.stages import untrained
from training.text_cache import TextCache
from training.tune import Table, read_table

TARGET = 0.8  # of the floor's speed


class Reached(Exception):
    """The NDCG that was to be reached was."""


def rounds_of(table: Table, config: TrainConfig, rounds: int) -> list[dict[str, float]]:
    """Seconds of an epoch by the loop and by the floor, in turn."""
    settings = [replace(config, seed=seed) for seed in range(rounds)]
    return [{"loop": loop_seconds(table, each), "floor": floor_seconds(table, each)} for each in settings]


def started(table: Table, config: TrainConfig) -> tuple[Recommender, TextCache]:
    return untrained(config, table.catalogue, torch.device("cpu"), table.queries.texts)


def loop_seconds(table: Table, config: TrainConfig) -> float:
    """Of one epoch of the loop, with its curves and without validation and refreshes, which are no steps."""
    recommender, cache = started(table, config)
    config = taught(config, recommender.ranker.heads, table.data.users)
    with tempfile.TemporaryDirectory() as folder, Curves(Path(folder), 0, asdict(config)) as curves:
        around = Around(tell=lambda kind, record: curves.write(kind, 0, 0, record))
        began = time.perf_counter()
        fit(recommender, cache, table.data, HeldOut(), 1, replace(config, encoder_refreshes=0), around)
        return time.perf_counter() - began


def floor_seconds(table: Table, config: TrainConfig) -> float:
    """Of the same batches, forward and backward."""
    recommender, cache = started(table, config)
    config = taught(config, recommender.ranker.heads, table.data.users)
    recommender.modules().train()
    batches = list(table.data.batches(config.windows, config.labels, seed_of(config.seed, 0, 0, 0)))
    began = time.perf_counter()
    for batch in batches:
        forward_and_backward(recommender, cache, batch, config)
    return time.perf_counter() - began


def forward_and_backward(recommender: Recommender, cache: TextCache, batch: Batch, config: TrainConfig) -> None:
    """The arithmetic of a step."""
    losses, weights = step_losses(recommender, cache, batch, config), weights_of(config)
    torch.stack([weights[name] * loss for name, loss in losses.items()]).sum().backward()  # type: ignore[no-untyped-call]


def figures(rounds: list[dict[str, float]], table: Table, config: TrainConfig) -> dict[str, Any]:
    """Speed of the loop and its share of the floor's."""
    steps = table.data.steps(config.windows)
    batches = table.data.batches(config.windows, config.labels)
    samples = sum(sum(batch.taught()) for batch in batches)
    seconds = statistics.median(each["loop"] for each in rounds)
    ratio = statistics.median(each["floor"] / each["loop"] for each in rounds)
    return {
        "benchmark": "train",
        "samples": samples,
        "samples_per_s": round(samples / seconds),
        "steps_per_s": round(steps / seconds, 2),
        "epoch_s": round(seconds, 2),
        "floor_epoch_s": round(statistics.median(each["floor"] for each in rounds), 2),
        "ratio": round(ratio, 3),
        "target": TARGET,
        "met": ratio >= TARGET,
    }


def against_sasrec(table: Table, config: TrainConfig, file: Path) -> dict[str, Any]:
    """Seconds until our validation NDCG@10 is the best of SASRec's on the same cases, and SASRec's own."""
    made = json.loads(file.read_text())
    epochs = [epoch for epoch in made["history"] if "ndcg@10" in epoch]
    best = max(epoch["ndcg@10"] for epoch in epochs)
    first = next(place for place, epoch in enumerate(epochs, start=1) if epoch["ndcg@10"] == best)
    reached = trained_until(best, table, config, same_cases(table.held.cases, made["config"]["cases"]))
    return {
        "sasrec_ndcg": round(best, 4),
        "sasrec_s": round(sum(epoch["seconds"] for epoch in epochs[:first]), 1),
        "ndcg": round(reached["ndcg@10"], 4),
        "seconds_to_sasrec": round(reached["seconds"], 1) if reached["ndcg@10"] >= best else None,
    }


def trained_until(ndcg: float, table: Table, config: TrainConfig, cases: list[Case]) -> Record:
    """The record of the first epoch that reaches an NDCG@10, or of the best one when none does."""

    def tell(kind: str, record: Record) -> None:
        if kind == "epoch":
            records.append(record)
            if record["ndcg@10"] >= ndcg:
                raise Reached

    records: list[Record] = []
    recommender, cache = started(table, config)
    config = taught(config, recommender.ranker.heads, table.data.users)
    with contextlib.suppress(Reached):
        fit(recommender, cache, table.data, HeldOut(cases), config.epochs, config, Around(tell=tell))
    return max(records, key=lambda record: record["ndcg@10"])


def same_cases(cases: list[Case], count: int) -> list[Case]:
    """Those that training.sasrec measures."""
    return [cases[place] for place in sorted(np.random.default_rng(0).permutation(len(cases))[:count])]


def report(result: dict[str, Any], as_json: bool) -> None:
    """One JSON line, or lines for people."""
    if as_json:
        print(json.dumps(result))
        return
    print(
        f"{result['samples_per_s']:,} samples/s, {result['steps_per_s']} steps/s; an epoch takes {result['epoch_s']} s"
    )
    print(f"peak memory {result['peak_memory_mb']:,} MB")
    print(f"bare forward and backward / loop: {result['ratio']:.2f} (target {TARGET})")
    if "sasrec_ndcg" in result:
        ours = result["seconds_to_sasrec"]
        reached = f"reached after {ours} s" if ours else f"not reached (best {result['ndcg']})"
        print(f"SASRec's NDCG@10 {result['sasrec_ndcg']}, which took it {result['sasrec_s']} s: {reached}")


def main() -> None:
    """Run, print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_flags(parser, TrainConfig)
    parser.add_argument("--json", action="store_true", help="print one JSON line")
    parser.add_argument("--rounds", type=int, default=2, help="epochs of loop and floor each (default 2)")
    parser.add_argument("--sasrec", type=Path, help="history of a SASRec on the same snapshot, to be caught up with")
    chosen = parser.parse_args()
    config, settings, folders = from_flags(TrainConfig, chosen), StoreSettings(), TrainingSettings()
    torch.set_num_threads(config.threads)
    try:
        table = read_table(open_store(settings), settings, latest(folders.snapshots))
    except EmptyLog as error:
        sys.exit(f"{error}\nor name the data directory of a demo: FRESHRANK_DATA_DIR=data/demo")
    print(f"{table.data}, {len(table.held.cases)} validation cases", file=sys.stderr)
    result = figures(rounds_of(table, config, chosen.rounds), table, config)
    if chosen.sasrec:
        result |= against_sasrec(table, config, chosen.sasrec)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    report(result | {"threads": config.threads, "peak_memory_mb": peak}, chosen.json)


if __name__ == "__main__":
    main()
