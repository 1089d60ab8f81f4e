"""Batches and what is held out -> trained weights, epoch by epoch."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from training.batches import Data
from training.config import TrainConfig
from training.held_out import HeldOut
from training.interrupt import Interrupt
from training.meter import Meter
from training.processes import Processes
from training.progress import Progress, Record, begin
from training.recommender import Recommender
from training.schedule import seed_of
from training.step import take_step
from training.text_cache import TextCache

TOLD_EVERY = 20  # steps between two points of a curve


class Stopped(Exception):
    """A training that was asked to stop, did, and wrote a checkpoint."""


def ignore(*_: Any) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Around:
    """What a training has around it; by default nothing."""

    processes: Processes = field(default_factory=Processes)
    stage: int = 0  # 0 chooses the model, 1 takes the validation window in
    saved: Mapping[str, Any] | None = None  # the state of a Progress to go on from
    save: Callable[[Progress], None] = ignore  # after an epoch, every ``checkpoint_minutes``, and when asked to stop
    tell: Callable[[str, Record], None] = ignore  # the "step" and "epoch" records as they come
    advice: str = ""  # how to go on, for who stopped it


def fit(
    recommender: Recommender,
    cache: TextCache,
    data: Data,
    held: HeldOut,
    epochs: int,
    config: TrainConfig,
    around: Around = Around(),
) -> list[Record]:
    """Train; with cases, stop when what ``mark`` reads of them stops rising and keep the best. One record per epoch.

    Only the first process has any, writes and prints. Raises Stopped after SIGTERM or Ctrl-C; Diverged.
    """
    processes, steps = around.processes, data.steps(config.windows)
    total, refresh_every = steps * epochs, math.ceil(steps * epochs / (config.encoder_refreshes + 1))
    progress = begin(recommender, cache, config, processes, around.saved)
    started, saved = time.monotonic() - progress.seconds, time.monotonic()
    bar = tqdm(total=total, initial=progress.step, smoothing=0.02, leave=False, disable=not processes.first)
    with Interrupt() as interrupt, bar:
        while progress.step < total and not progress.over:
            (epoch, done), meter = divmod(progress.step, steps), Meter()
            bar.set_description(f"epoch {epoch + 1}/{epochs}")
            recommender.modules().train()
            order = seed_of(config.seed, around.stage, 0, epoch)
            for batch in data.batches(config.windows, config.labels, order, skip=done):
                wishes = interrupt.asked, time.monotonic() - saved > 60 * config.checkpoint_minutes
                stepped = take_step(progress, batch, config, total, processes, around.stage, wishes)
                if config.encoder_refreshes and progress.step % refresh_every == 0 and progress.step < total:
                    bar.set_postfix_str("tuning the language model")
                    processes.add_up(progress.collected())
                    cache.refresh()
                meter.add(sum(batch.taught()), stepped)
                progress.count(stepped.losses, time.monotonic() - started)
                bar.update()
                bar.set_postfix_str(f"loss {stepped.losses['loss']:.3f}")
                if progress.step % TOLD_EVERY == 0:
                    told = {"step": progress.step, "epoch": epoch + 1, "seconds": progress.seconds, "lr": stepped.rate}
                    around.tell("step", told | meter.read())
                if (stepped.stop or stepped.save) and progress.step % steps:
                    saved = keep(progress, around)
                    if stepped.stop:
                        raise Stopped(f"stopped after step {progress.step} of {total}{around.advice}")
            bar.set_postfix_str("validating")
            record = processes.agree(measure(progress, steps, held, started))
            progress.judge(record, config)
            around.tell("epoch", record)
            if processes.first:
                tqdm.write(" ".join(f"{name}={value:.4g}" for name, value in record.items()))
            saved = keep(progress, around)
            if stepped.stop or processes.agree(interrupt.asked):
                raise Stopped(f"stopped after epoch {epoch + 1} of {epochs}{around.advice}")
    progress.keep_best()
    return progress.history


def measure(progress: Progress, steps: int, held: HeldOut, started: float) -> Record:
    """The record of the epoch that is over: mean losses, what is held out by the average, seconds of training."""
    losses = {name: value / steps for name, value in progress.sums.items() if value}
    measured = held.measured(progress.average, progress.cache.vectors)
    seconds = time.monotonic() - started
    return {"epoch": progress.step // steps, "step": progress.step, "seconds": seconds, **losses, **measured}


def keep(progress: Progress, around: Around) -> float:
    """Save a checkpoint, with what the cache collected in all processes in the first one's; returns when."""
    around.processes.collect(progress.collected())
    around.save(progress)
    return time.monotonic()
