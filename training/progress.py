"""Where a training stands: all that its steps change, in and out of a checkpoint bit for bit."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from training.config import TrainConfig
from training.held_out import mark
from training.optimizer import adamw
from training.processes import Processes
from training.recommender import Recommender
from training.text_cache import TextCache

Record = dict[str, float]
State = dict[str, Tensor]
COUNTED = ("step", "seconds", "patience", "over", "history", "sums", "best")


@dataclass
class Progress:
    """The trained parts and the counts beside them. Randomness is not among them: it is that of (seed, stage, step)."""

    recommender: Recommender
    average: Recommender  # the running average, which is what is measured and kept
    cache: TextCache
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    patience: int  # epochs that may still pass without a better one
    step: int = 0  # steps that are done
    seconds: float = 0.0  # wall clock, over all processes that worked on it in turn
    over: bool = False
    history: list[Record] = field(default_factory=list)  # one record per epoch
    sums: Record = field(default_factory=dict)  # losses of the steps of this epoch
    best: tuple[State, State] = field(default_factory=lambda: ({}, {}))  # of average and cache

    def state(self) -> dict[str, Any]:
        """All of it as tensors and plain values."""
        parts = {"recommender": self.recommender.state(), "average": self.average.state()}
        tools = {name: getattr(self, name).state_dict() for name in ("optimizer", "scaler")}
        counts = {name: getattr(self, name) for name in COUNTED}
        return {**parts, **tools, **counts, "cache": self.cache.checkpoint()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.recommender.restore(state["recommender"])
        self.average.restore(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.cache.resume(state["cache"])
        for name in COUNTED:
            setattr(self, name, state[name])

    def count(self, losses: Record, seconds: float) -> None:
        """Take in the losses of a step, at so many seconds of training."""
        self.seconds = seconds
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss

    def collected(self) -> list[Tensor]:
        """The gradients that wait in the cache for its next refresh."""
        return [] if self.cache.vectors.grad is None else [self.cache.vectors.grad]

    def judge(self, record: Record, config: TrainConfig) -> None:
        """Take in the record of an epoch: keep the best weights, and say whether the training is over."""
        if (reached := mark(record)) is not None:
            self.patience -= 1
            if reached > max((mark(each) or 0.0 for each in self.history), default=-math.inf):
                self.patience = config.patience
                self.best = (self.average.state(), self.cache.state())
        self.history.append(record)
        self.sums = {}
        self.over = self.patience == 0 or record["seconds"] > 60 * config.minutes

    def keep_best(self) -> None:
        """End with the best weights that were measured, with the average when none were."""
        self.recommender.restore(self.best[0] or self.average.state())
        self.cache.restore(self.best[1] or self.cache.state())


def begin(
    recommender: Recommender,
    cache: TextCache,
    config: TrainConfig,
    processes: Processes,
    saved: Mapping[str, Any] | None,
) -> Progress:
    """A training before its first step, or where it was saved, on the device of this process."""
    recommender.to(processes.device)
    weights = recommender.weights()
    for weight in weights:  # one that a batch does not reach has a gradient of zero, in every process
        weight.grad = torch.zeros_like(weight)
    scaler = torch.amp.GradScaler(processes.device.type, enabled=config.precision == "fp16")
    if scaler.is_enabled() and cache.vectors.requires_grad:
        unscaled = lambda gradient: gradient.nan_to_num(0.0, 0.0, 0.0) / scaler.get_scale()  # noqa: E731
        cache.vectors.register_hook(unscaled)  # type: ignore[no-untyped-call]
    optimizer = adamw(weights, config.learning_rate, config.weight_decay)
    progress = Progress(recommender, copy.deepcopy(recommender), cache, optimizer, scaler, config.patience)
    if saved:
        progress.restore(saved)
        for gradient in progress.collected() if not processes.first else []:
            gradient.zero_()  # the first process has the sum of all
    return progress
