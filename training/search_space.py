"""What ``training.tune`` may choose: the one table of settings and their ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna


@dataclass(frozen=True)
class Range:
    """Numbers between two ends; ``log`` where a factor matters and not a difference."""

    low: float
    high: float
    log: bool = False


SPACE: dict[str, Range | tuple[Any, ...]] = {
    "learning_rate": Range(5e-4, 1e-2, log=True),
    "weight_decay": Range(1e-3, 0.5, log=True),
    "dropout": Range(0.0, 0.5),
    "residual_dropout": Range(0.0, 0.5),
    "layers": (1, 2, 3),
    "windows": (16, 32, 64),
    "next_item_weight": Range(0.25, 4.0, log=True),  # against the ranking loss, whose weight stays 1
    "averaged": (30, 100, 300),
    "encoder_tuning": ("frozen", "lora", "top-k"),
    "encoder_refreshes": (1, 2, 4),
}


def suggest(trial: optuna.Trial, names: Sequence[str]) -> dict[str, Any]:
    """The settings of a trial, of those of SPACE that are searched."""
    return {name: _one(trial, name, SPACE[name]) for name in names}


def _one(trial: optuna.Trial, name: str, choices: Range | tuple[Any, ...]) -> Any:
    if isinstance(choices, Range):
        return trial.suggest_float(name, choices.low, choices.high, log=choices.log)
    return trial.suggest_categorical(name, choices)
