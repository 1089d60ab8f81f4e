"""One step of a training: learning rate, forward, losses, backward, clip, step, average."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.batches import Batch
from training.config import TrainConfig
from training.objective import examples, step_losses, weights_of
from training.processes import Processes
from training.progress import Progress
from training.schedule import pace, seed_everything, seed_of

PRECISIONS = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Diverged(Exception):
    """A training whose gradient is no number any more, with what to do about it."""


@dataclass(frozen=True)
class Stepped:
    """What a step did, over all processes."""

    rate: float  # learning rate
    norm: float  # of the gradient, before it was clipped
    losses: dict[str, float]  # means over the whole batch, and ``loss``, their weighted sum
    stop: bool  # whether any process was asked to stop
    save: bool  # whether a checkpoint is due in any process


def take_step(
    progress: Progress,
    batch: Batch,
    config: TrainConfig,
    total: int,
    processes: Processes,
    stage: int,
    wishes: tuple[bool, bool] = (False, False),
) -> Stepped:
    """The next of ``total`` steps. Its randomness is that of its number: the same in every process, resumed or not.

    ``wishes`` (stop, save) of this process travel with the gradients, so that all processes grant them after one step.
    """
    progress.step += 1
    seed_everything(seed_of(config.seed, stage, 1, progress.step))
    optimizer, scaler, weights = progress.optimizer, progress.scaler, progress.recommender.weights()
    rate = config.learning_rate * pace(progress.step, config.warmup, total, config.final_rate)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=False)
    losses = backward(progress, batch, config, processes)
    wished = torch.tensor(wishes, dtype=torch.float32, device=processes.device)
    processes.add_up([*(weight.grad for weight in weights if weight.grad is not None), *losses.values(), wished])
    scaler.unscale_(optimizer)
    norm = torch.nn.utils.clip_grad_norm_(weights, config.clip).item()
    if not math.isfinite(norm) and not scaler.is_enabled():  # a scaler skips such a step and scales less
        raise Diverged(f"the gradient of step {progress.step} is no number: try a lower --learning-rate or --clip")
    scaler.step(optimizer)
    scaler.update()
    progress.average.follow(progress.recommender, 1 / min(progress.step, config.averaged))
    means = {name: loss.item() for name, loss in losses.items()}
    means["loss"] = sum(weights_of(config)[name] * value for name, value in means.items())
    stop, save = (wished > 0).tolist()
    return Stepped(rate, norm, means, stop, save)


def backward(progress: Progress, batch: Batch, config: TrainConfig, processes: Processes) -> dict[str, Tensor]:
    """Collect this process's part of the gradient, piece by piece; returns its part of each loss's mean."""
    weights, whole, parts = weights_of(config), examples(batch), processes.count * config.accumulate
    found = {name: torch.zeros((), device=processes.device) for name in weights}
    for number in range(config.accumulate):
        part = batch.part(processes.rank * config.accumulate + number, parts)
        with torch.autocast(processes.device.type, PRECISIONS[config.precision], enabled=config.precision != "no"):
            losses = step_losses(progress.recommender, progress.cache, part.to(processes.device), config)
        counts = examples(part)
        shares = {name: counts[name] / whole[name] * loss for name, loss in losses.items()}
        if shares:
            total = torch.stack([weights[name] * loss for name, loss in shares.items()]).sum()
            progress.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        for name, loss in shares.items():
            found[name] += loss.detach()
    return found
